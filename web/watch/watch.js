// SPDX-License-Identifier: Apache-2.0
// The plain play page of one stream: finds it, plays it, says in words how it stands, and never gives up.
// What it plays is told by its own address: /watch/STREAM plays /hls/STREAM/, /watch/t/TOKEN/STREAM the same with a token.

const TEXT = {
	connecting: ["つないでいます", "Connecting"],
	waiting: ["放送を待っています。始まると自動で映ります", "Waiting for the broadcast. It starts by itself"],
	paused: ["映像を待っています。そのままお待ちください", "Waiting for the picture. Please stay"],
	live: ["放送中", "Live"],
	ended: ["放送はおわりました", "The broadcast has ended"],
	broken: ["つながりません。自動でやり直しています", "No connection. Trying again by itself"],
	unplayable: ["このブラウザでは再生できません", "This browser cannot play it"],
};
const SOUND = ["音を出す", "Sound on"];
const PLAY = ["再生する", "Play"];

const TICK_MS = 1000;
const STALL_MS = 4000; // no progress: say so
const REBUILD_MS = 15000; // no progress though the playlist moves on: build the player anew
const LATENCY_MAX_S = 12; // further behind: to the edge in one step
const WAIT_MS = [1000, 2000, 3000, 5000]; // the stream is not there (yet)
const RETRY_MS = [1000, 2000, 4000, 8000, 15000]; // the server does not answer
const ENDED_MS = [5000, 10000, 15000];
const CATCH_UP_MS = 250;
const CATCH_UP_RATE = 1.05; // nobody hears it
const CATCH_UP_FROM_S = 0.1;
const CATCH_UP_TO_S = 0.02;

const scriptTag = document.querySelector("script[data-worker]");
const video = document.getElementById("video");
const stage = document.getElementById("stage");
const soundButton = document.getElementById("sound");

const rest = location.pathname.replace(/^\/watch\//, "").replace(/\/+$/, "");
const source = "/hls/" + rest + "/index.m3u8";
const useHls = typeof Hls !== "undefined" && Hls.isSupported();
const useNative = !useHls && video.canPlayType("application/vnd.apple.mpegurl") !== "";

let state = "";
let hls = null;
let tries = 0;
let retryTimer = 0;
let isPlayBlocked = false;
let mediaRecoveries = 0;
let lastProgressAt = 0;
let lastTime = -1;
let playlistMovedAt = 0;
let lastSequence = -1;

const stats = {
	engine: useHls ? "hls.js" : useNative ? "native" : "none",
	errors: 0,
	rebuilds: 0,
	lastError: "",
	get state() {
		return state;
	},
	get decodedFrames() {
		return video.getVideoPlaybackQuality ? video.getVideoPlaybackQuality().totalVideoFrames : 0;
	},
	get droppedFrames() {
		return video.getVideoPlaybackQuality ? video.getVideoPlaybackQuality().droppedVideoFrames : 0;
	},
	get currentTime() {
		return video.currentTime;
	},
	get latency() {
		return hls ? hls.latency : -1;
	},
	get targetLatency() {
		return hls ? hls.targetLatency : -1;
	},
	get size() {
		return [video.videoWidth, video.videoHeight];
	},
	get muted() {
		return video.muted;
	},
};
window.isaribiStats = stats;

function setPair(id, pair) {
	document.getElementById(id + "-ja").textContent = pair[0];
	document.getElementById(id + "-en").textContent = pair[1];
}

function show(next) {
	if (state === next)
		return;
	state = next;
	stage.dataset.state = next;
	document.getElementById("dot").className = next;
	setPair("status", TEXT[next]);
	setPair("cover", TEXT[next]);
	showButton();
}

function showButton() {
	const isWanted = state === "live" ? video.muted || isPlayBlocked : isPlayBlocked;

	setPair("sound", isPlayBlocked ? PLAY : SOUND);
	soundButton.hidden = !isWanted;
}

function noteError(text) {
	stats.errors++;
	stats.lastError = String(text);
}

function streamName() {
	const parts = rest.split("/");

	try {
		return decodeURIComponent(parts[parts.length - 1]);
	} catch {
		return parts[parts.length - 1];
	}
}

async function fetchText(url) {
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), 8000);

	try {
		const answer = await fetch(url, { cache: "no-store", signal: abort.signal });

		return { status: answer.status, text: answer.ok ? await answer.text() : "", url: answer.url };
	} finally {
		clearTimeout(timer);
	}
}

// "live", "waiting" (not there), "ended" or "broken".
async function probe() {
	try {
		const main = await fetchText(source);
		const uri = main.text.split("\n").map((line) => line.trim()).find((line) => line && !line.startsWith("#"));

		if (main.status === 404 || (main.status === 200 && !uri))
			return "waiting";
		if (main.status !== 200) {
			noteError("status " + main.status);
			return "broken";
		}
		const media = main.text.includes("#EXT-X-STREAM-INF") ? await fetchText(new URL(uri, main.url)) : main;
		if (media.status === 404)
			return "waiting";
		return media.text.includes("#EXT-X-ENDLIST") ? "ended" : media.status === 200 ? "live" : "broken";
	} catch (error) {
		noteError(error);
		return "broken";
	}
}

function later(delays) {
	const base = delays[Math.min(tries, delays.length - 1)];

	tries++;
	clearTimeout(retryTimer);
	// A little chance, so that a thousand viewers do not come back in the same moment.
	retryTimer = setTimeout(begin, base * (0.85 + Math.random() * 0.3));
}

function tearDown() {
	if (hls)
		hls.destroy();
	hls = null;
	if (useNative && video.hasAttribute("src")) {
		video.removeAttribute("src");
		video.load();
	}
}

async function begin() {
	clearTimeout(retryTimer);
	tearDown();
	if (!state || state === "live")
		show("connecting");
	const found = await probe();
	if (found !== "live") {
		show(found);
		later(found === "waiting" ? WAIT_MS : found === "ended" ? ENDED_MS : RETRY_MS);
		return;
	}
	lastProgressAt = playlistMovedAt = performance.now();
	lastTime = -1;
	lastSequence = -1;
	if (useHls)
		beginHls();
	else
		video.src = source;
	play();
}

function fail(text) {
	noteError(text);
	stats.rebuilds++;
	tearDown();
	if (state === "live")
		show("connecting");
	later(RETRY_MS);
}

function play() {
	const started = video.play();

	if (!started)
		return;
	started.then(() => {
		isPlayBlocked = false;
		showButton();
	}, (error) => {
		if (error.name === "NotAllowedError") {
			isPlayBlocked = true;
			showButton();
		}
	});
}

function beginHls() {
	hls = new Hls({
		workerPath: scriptTag.dataset.worker, // a file of ours: no blob: worker, so the page's rules stay tight
		// How near to the edge: the playlist says it (PART-HOLD-BACK). A liveSyncDuration here would overrule it.
		lowLatencyMode: true,
		maxLiveSyncPlaybackRate: 1, // catchUp() does it
		liveDurationInfinity: true,
		backBufferLength: 10,
		maxBufferLength: 20,
		maxMaxBufferLength: 30,
		capLevelToPlayerSize: true,
	});
	hls.config.liveMaxLatencyDuration = LATENCY_MAX_S; // beside a liveSyncDuration only, if it stood above
	hls.on(Hls.Events.ERROR, (_event, data) => {
		if (!data.fatal) {
			stats.lastError = data.details;
			return;
		}
		if (data.type === Hls.ErrorTypes.MEDIA_ERROR && mediaRecoveries < 2) {
			mediaRecoveries++;
			noteError(data.details);
			hls.recoverMediaError();
			play();
			return;
		}
		fail(data.details);
	});
	hls.on(Hls.Events.LEVEL_LOADED, (_event, data) => {
		if (data.details.endSN !== lastSequence) {
			lastSequence = data.details.endSN;
			playlistMovedAt = performance.now();
		}
	});
	hls.loadSource(source);
	hls.attachMedia(video);
}

function bufferedAhead() {
	const ranges = video.buffered;

	for (let i = 0; i < ranges.length; i++) {
		if (ranges.start(i) <= video.currentTime && video.currentTime <= ranges.end(i))
			return ranges.end(i) - video.currentTime;
	}
	return 0;
}

// hls.js catches up only while it has more than a second in the buffer. Parts of 0.2 s ask for 0.6 s.
function catchUp() {
	if (!hls || !hls.latestLevelDetails || !hls.latestLevelDetails.live || video.paused)
		return;
	const behind = hls.latency - hls.targetLatency;
	const isFar = behind > (video.playbackRate > 1 ? CATCH_UP_TO_S : CATCH_UP_FROM_S);
	const rate = isFar && bufferedAhead() > hls.targetLatency / 2 ? CATCH_UP_RATE : 1;

	if (video.playbackRate !== rate)
		video.playbackRate = rate;
}

// Progress is what the eye sees: frames decoded, or time passing where there is only sound.
function tick() {
	const now = performance.now();

	if (!hls && !video.currentSrc)
		return;
	if (video.currentTime !== lastTime && video.readyState >= 2) {
		if (lastTime >= 0 && !video.paused) {
			tries = 0;
			show("live");
		}
		lastTime = video.currentTime;
		lastProgressAt = now;
		return;
	}
	if (state === "ended" || video.ended || (video.paused && !isPlayBlocked && state === "live"))
		return;
	if (now - lastProgressAt > STALL_MS && (state === "live" || state === "connecting"))
		show("paused");
	if (now - lastProgressAt > REBUILD_MS && (!hls || now - playlistMovedAt < REBUILD_MS))
		fail("stalled");
	if (now - lastProgressAt > 60000)
		mediaRecoveries = 0;
}

video.addEventListener("ended", () => {
	tearDown();
	tries = 0;
	show("ended");
	later(ENDED_MS);
});
video.addEventListener("error", () => {
	if (!useHls && video.hasAttribute("src"))
		fail(video.error ? video.error.message || "media error " + video.error.code : "media error");
});
video.addEventListener("volumechange", showButton);
soundButton.addEventListener("click", () => {
	video.muted = false;
	if (video.volume === 0)
		video.volume = 1;
	play();
	video.focus();
});
window.addEventListener("online", () => {
	if (state === "broken")
		begin();
});

document.getElementById("title").textContent = streamName() || "ライブ";
document.title = (streamName() || "ライブ") + " | isaribi";
if (stats.engine === "none") {
	show("unplayable");
} else {
	setInterval(tick, TICK_MS);
	setInterval(catchUp, CATCH_UP_MS);
	begin();
}
