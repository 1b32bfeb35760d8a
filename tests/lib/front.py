# SPDX-License-Identifier: Apache-2.0
"""Varnish and nginx in front of a node, with the configuration of config/: only addresses and paths are other ones."""
import os
import pathlib
import re
import shlex
import ssl
import urllib.parse

from isaribi_test import Failed, ROOT, check, free_port, http, wait_for

CONFIG = ROOT / "config"


def adapt(text, changes):
    """changes: {what stands there: what shall stand there}. All of it must be there, or the test has fallen behind."""
    for old, new in changes.items():
        check(old in text, f"not in the configuration any more: {old}")
        text = text.replace(old, new)
    return text


class Front:
    """What a viewer's tools need of a node, at another address."""
    scheme = "http"

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def hls_url(self, stream, token=None, file="index.m3u8"):
        return self.url("/hls/" + (f"t/{token}/" if token else "") + f"{stream}/{file}")

    def get(self, path, headers=None, limit_s=10.0):
        return http("GET", self.url(path), headers, limit_s)

    def wait_live(self, stream, limit_s=20.0, token=None):
        path = urllib.parse.urlsplit(self.hls_url(stream, token)).path
        wait_for(f"HLS of {stream} through {self.name}", lambda: self.status(path) == 200, limit_s)

    def status(self, path):
        """0: nobody answers."""
        try:
            return self.get(path).status
        except Failed:
            return 0

    def kill_and_start(self):
        self.kill()
        self.start()


def varnish_arguments():
    """Of the service file: everything that is not an address or a path."""
    text = (CONFIG / "varnish/varnish.service.conf").read_text().replace("\\\n", " ")
    words = shlex.split(re.search(r"^ExecStart=/usr/sbin/varnishd (.*)$", text, re.M)[1])
    for option in ("-j", "-a", "-f"):
        at = words.index(option)
        del words[at:at + 2]
    return words


class Varnish(Front):
    name = "varnish"

    def __init__(self, bench, node):
        self.bench = bench
        self.port = free_port()
        self.dir = bench.new_dir("varnish")
        self.vcl = self.dir / "isaribi.vcl"
        self.vcl.write_text(adapt((CONFIG / "varnish/isaribi.vcl").read_text(),
                                  {'.port = "8081"': f'.port = "{node.http_port}"'}))
        self.starts = 0
        self.start()

    def start(self):
        # A folder of its own each time: one that was killed leaves files behind.
        self.starts += 1
        self.work = self.dir / f"work{self.starts}"
        self.process = self.bench.start("varnishd", ["/usr/sbin/varnishd", "-n", self.work, "-j", "none", "-a",
                                                     f"127.0.0.1:{self.port}", "-f", self.vcl, *varnish_arguments()])
        wait_for("varnish to answer", self.is_answering, 40)

    def is_answering(self):
        check(self.process.is_running(), f"varnishd ended: {self.process.tail()}")
        return self.status("/") == 404

    def kill(self):
        """The manager; its child goes with it."""
        self.process.kill()
        wait_for("varnish to be gone", lambda: self.status("/") == 0)

    def log(self):
        """Everything that is in its memory."""
        return self.bench.run("varnishlog", ["varnishlog", "-n", self.work, "-d", "-g", "raw"])

    def access_log(self):
        """As varnishncsa writes it to disk."""
        return self.bench.run("varnishncsa", ["varnishncsa", "-n", self.work, "-d"])

    def asked(self):
        """How many requests have come and are answered. Of a few thousand: then the log begins to forget."""
        return len(self.access_log().splitlines())

    def fetches(self):
        """How many requests were sent to the node."""
        return len(self.bench.run("varnishncsa", ["varnishncsa", "-n", self.work, "-d", "-b"]).splitlines())

    def counter(self, name):
        """Of any number, and up to a second late."""
        text = self.bench.run("varnishstat", ["varnishstat", "-n", self.work, "-1", "-f", name])
        return int(text.split()[1])


class Nginx(Front):
    name = "nginx"
    scheme = "https"

    def __init__(self, bench, node, cache):
        self.bench = bench
        self.port, self.plain_port, control_port = free_port(), free_port(), free_port()
        self.dir = bench.new_dir("nginx")
        cert, key = self.dir / "cert.pem", self.dir / "key.pem"
        bench.run("openssl", ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                              "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                              "-keyout", key, "-out", cert])
        self.context = ssl.create_default_context(cafile=cert)
        self.access_path, self.error_path = self.dir / "isaribi.log", self.dir / "isaribi-error.log"
        conf = self.dir / "isaribi.conf"
        conf.write_text(adapt((CONFIG / "nginx/isaribi.conf").read_text(), {
            "127.0.0.1:6081": f"127.0.0.1:{cache.port}", "127.0.0.1:8081": f"127.0.0.1:{node.http_port}",
            "127.0.0.1:8080": f"127.0.0.1:{control_port}", "/run/isaribi-auth": f"{self.dir}/auth",
            "listen [::]:80;": "", "listen 80;": f"listen 127.0.0.1:{self.plain_port};", "listen [::]:443 ssl http2;": "",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "/etc/isaribi/tls/cert.pem": str(cert), "/etc/isaribi/tls/key.pem": str(key),
            "/var/log/nginx/": f"{self.dir}/"}))
        self.control_port = control_port
        (self.dir / "nginx.conf").write_text(self.main_conf(conf))
        self.start()

    def main_conf(self, conf):
        """In place of Debian's nginx.conf."""
        user = "user root;" if os.geteuid() == 0 else ""
        temp = " ".join(f"{kind}_temp_path {self.dir}/{kind};"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (f"{user} daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {self.dir}/nginx.pid;\n"
                f"error_log {self.dir}/main-error.log;\nevents {{ worker_connections 8000; }}\n"
                f"http {{ {temp} include /etc/nginx/mime.types; include {conf}; }}\n")

    def start(self):
        self.process = self.bench.start("nginx", ["/usr/sbin/nginx", "-p", self.dir, "-c", self.dir / "nginx.conf"])
        wait_for("nginx to answer", self.is_answering)

    def is_answering(self):
        check(self.process.is_running(), f"nginx ended: {self.process.tail()}")
        return self.status("/hls/") == 404

    def get(self, path, headers=None, limit_s=10.0):
        return http("GET", self.url(path), headers, limit_s, self.context)

    def kill(self):
        """The master and its workers: one without a master would go on listening."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.kill()
        for child in children:
            os.kill(int(child), 9)
        wait_for("nginx to be gone", lambda: self.status("/") == 0)

    def logs(self):
        return "".join(path.read_text(errors="replace") for path in self.dir.glob("*.log"))
