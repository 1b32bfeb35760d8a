// SPDX-License-Identifier: Apache-2.0
// Opens a page with a video in Chromium and tells, twice a second as one JSON line, what a viewer would see.
// Usage: node hls_play.mjs URL SECONDS SCREENSHOT [PLAYLIST], with ISARIBI_BROWSER_MODULES naming where npm put its packages.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

const require = createRequire(process.env.ISARIBI_BROWSER_MODULES + "/");
const { chromium } = require("playwright-core");

const [url, seconds, screenshot, playlist] = process.argv.slice(2);
const EXECUTABLE = process.env.ISARIBI_CHROMIUM || "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];
const SAMPLE_MS = 500;

// Runs in the page: the numbers of the video, and a few pixels of its picture.
function look() {
	const video = document.querySelector("video");
	const stats = window.isaribiStats || {};
	const out = { frames: 0, time: 0, width: 0, height: 0, state: stats.state, engine: stats.engine,
		errors: stats.errors, lastError: stats.lastError, pixels: [] };
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

const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS, headless: true });
try {
	const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
	const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

	page.on("console", (m) => {
		if (m.type() === "error" || m.type() === "warning")
			say({ console: m.type(), text: m.text(), from: m.location().url });
	});
	page.on("pageerror", (e) => say({ console: "exception", text: String(e) }));
	await page.goto(url, { waitUntil: "load", timeout: 30000 });
	if (playlist)
		await page.evaluate(playFromStart, playlist);
	const end = Date.now() + Number(seconds) * 1000;
	while (Date.now() < end) {
		say(await page.evaluate(look));
		await page.waitForTimeout(SAMPLE_MS);
	}
	mkdirSync(dirname(screenshot), { recursive: true });
	await page.screenshot({ path: screenshot });
} finally {
	await browser.close();
}
