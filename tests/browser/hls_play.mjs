// SPDX-License-Identifier: Apache-2.0
// Opens a page with a video in Chromium and tells, twice a second as one JSON line, what a viewer would see.
// Usage: node hls_play.mjs URL SECONDS SCREENSHOT [PLAYLIST]; chromium.mjs says what it needs.
import { say, shoot, visit } from "./chromium.mjs";

const [url, seconds, screenshot, playlist] = process.argv.slice(2);
const SAMPLE_MS = 500;

// Runs in the page: the numbers of the video, and a few pixels of its picture.
function look() {
	const video = document.querySelector("video");
	const stats = window.isaribiStats || {};
	const out = { frames: 0, time: 0, width: 0, height: 0, state: stats.state, engine: stats.engine,
		errors: stats.errors, lastError: stats.lastError, pixels: [] };
	const fetched = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/hls/"));

	out.protocols = [...new Set(fetched.map((entry) => entry.nextHopProtocol))];
	out.waited = fetched.filter((entry) => entry.name.includes("_HLS_part=")).length;
	if (!video)
		return out;
	out.frames = video.getVideoPlaybackQuality().totalVideoFrames;
	out.time = video.currentTime;
	out.width = video.videoWidth;
	out.height = video.videoHeight;
	if (video.error)
		out.lastError = "video: " + video.error.message;
	if (video.videoWidth > 0) {
		const canvas = document.createElement("canvas");
		canvas.width = canvas.height = 8;
		const pen = canvas.getContext("2d");
		pen.drawImage(video, 0, 0, 8, 8);
		out.pixels = Array.from(pen.getImageData(0, 0, 8, 8).data).filter((_, i) => i % 4 !== 3);
	}
	return out;
}

// Runs in the page: a player of its own, from the beginning of the playlist on, in place of the page's.
function playFromStart(source) {
	const old = document.querySelector("video");
	const video = document.createElement("video");
	const stats = { engine: "hls.js", state: "playing", errors: 0, lastError: "" };
	const hls = new Hls({ workerPath: document.querySelector("script[data-worker]").dataset.worker, startPosition: 0 });

	video.muted = true;
	old.replaceWith(video);
	window.isaribiStats = stats;
	hls.on(Hls.Events.ERROR, (_event, data) => {
		stats.errors += data.fatal ? 1 : 0;
		stats.lastError = data.details;
	});
	hls.loadSource(source);
	hls.attachMedia(video);
	return video.play();
}

await visit(url, async (page) => {
	if (playlist)
		await page.evaluate(playFromStart, playlist);
	const end = Date.now() + Number(seconds) * 1000;
	while (Date.now() < end) {
		say(await page.evaluate(look));
		await page.waitForTimeout(SAMPLE_MS);
	}
	await shoot(page, screenshot);
});
