# SPDX-License-Identifier: Apache-2.0
# Varnish 7.1 between nginx (config/nginx/) and a node: a thousand viewers who wait for one part are one request to the
# node, and all of them are woken when it comes. README.md says how to put it in place.
vcl 4.1;

import std;

# To adapt: where the node's [http] listen is.
backend node {
	.host = "127.0.0.1";
	.port = "8081";
	.connect_timeout = 1s;
	# A playlist waits for three target durations at most (12 s as delivered), then the node says 503.
	.first_byte_timeout = 60s;
	.between_bytes_timeout = 10s;
	# A node that is busy for a moment stays in; one that comes back is in again with its first answer.
	.probe = {
		.url = "/healthz";
		.interval = 500ms;
		.timeout = 2s;
		.window = 4;
		.threshold = 1;
		.initial = 1;
	}
}

sub vcl_recv {
	if (req.url !~ "^/(hls|rec|clip)/") {
		return (synth(404));
	}
	if (req.method != "GET" && req.method != "HEAD") {
		return (pass);
	}
	unset req.http.Cookie;
	unset req.http.Authorization;

	# Of a query only these belong to what is asked for, whatever their order.
	if (req.url ~ "\?") {
		set req.url = std.querysort(req.url);
		set req.url = regsuball(req.url, "([?&])(?!_HLS_(?:msn|part|skip)=)[^?&]*", "\1");
		set req.url = regsub(regsuball(req.url, "&+", "&"), "\?&", "?");
		set req.url = regsub(req.url, "[?&]+$", "");
	}

	# Playlists are there plain and with gzip, both as the node made them (http_gzip_support is off).
	if (req.url ~ "\.m3u8(\?|$)" && req.http.Accept-Encoding ~ "gzip" &&
	    req.http.Accept-Encoding !~ "gzip *; *q=0(\.0*)? *(,|$)") {
		set req.http.Accept-Encoding = "gzip";
	} else {
		unset req.http.Accept-Encoding;
	}

	# Files of recordings are gigabytes and read in ranges: the node sends what is asked for, nothing of it is kept.
	if (req.url ~ "\.mp4$" && req.url ~ "^/(rec|clip)/|/shift/") {
		return (pass);
	}
	return (hash);
}

# The path: not the host, and not the token, which nginx has taken out of the path and asked the node about.
sub vcl_hash {
	hash_data(req.url);
	hash_data(req.http.Accept-Encoding);
	return (lookup);
}

# What is not here is fetched with the token of who asked first: the node's gate has its say, too.
sub vcl_backend_fetch {
	if (bereq.http.X-Isaribi-Token) {
		set bereq.url = regsub(bereq.url, "^/(hls|rec|clip)/", "/\1/t/" + bereq.http.X-Isaribi-Token + "/");
	}
}

sub vcl_backend_response {
	# Nothing stale: an old playlist is a stall.
	set beresp.grace = 0s;
	set beresp.keep = 0s;
	if (beresp.status == 503 && !bereq.uncacheable) {
		# Nothing came in time. All who waited are told so now; who asks again in a while waits again.
		set beresp.ttl = 500ms;
		return (deliver);
	}
	if (beresp.status >= 400 && (beresp.status != 404 || bereq.http.X-Isaribi-Token)) {
		# Not kept, and for a second nobody waits for another's: a number that is too high now is asked for in
		# earnest soon, and a 404 may be about the token of him who asked.
		set beresp.ttl = 1s;
		set beresp.uncacheable = true;
		return (deliver);
	}
	# How long is the node's Cache-Control. Live media is old after a minute, and what was taken down should go.
	if (bereq.url ~ "^/hls/" && beresp.ttl > 60s) {
		set beresp.ttl = 60s;
	}
}

# The node is not there. Whoever waits hears it at once; who asks after that finds out anew.
sub vcl_backend_error {
	set beresp.grace = 0s;
	if (!bereq.uncacheable) {
		set beresp.ttl = 200ms;
	}
	set beresp.http.Content-Type = "text/plain; charset=utf-8";
	set beresp.http.Cache-Control = "no-store";
	set beresp.http.Access-Control-Allow-Origin = "*";
	set beresp.body = {"配信サーバーが応答しません。
The node does not answer.
"};
	return (deliver);
}

sub vcl_deliver {
	unset resp.http.Via;
	unset resp.http.X-Varnish;
}
