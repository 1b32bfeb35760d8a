// SPDX-License-Identifier: Apache-2.0
// Reads the clock in the picture (tests/lib/clock_picture.py) of each frame that Chromium shows and tells how old it is.
// Usage: node live_edge.mjs URL SECONDS SCREENSHOT. The last line of the output is JSON: latencies in ms by second, stalls.
import { say, shoot, visit } from "./chromium.mjs";

const [url, seconds, screenshot] = process.argv.slice(2);

// Runs in the page.
function watch() {
	const BITS = 32, BLOCK_PX = 16, GREY = 128;
	const video = document.querySelector("video");
	const canvas = document.createElement("canvas");
	const seen = { frames: [], unreadable: 0, waiting: 0 };

	canvas.width = BITS * BLOCK_PX;
	canvas.height = 2 * BLOCK_PX;
	const pen = canvas.getContext("2d", { willReadFrequently: true });
	const isWhite = (x, y) => pen.getImageData(x, y, 1, 1).data[0] > GREY;

	// Milliseconds since 1970, the lowest 32 bits; -1 when the two rows do not fit together.
	function readClock() {
		pen.drawImage(video, 0, 0, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
		let clock = 0;
		for (let i = 0; i < BITS; i++) {
			const x = i * BLOCK_PX + BLOCK_PX / 2;
			const bit = isWhite(x, BLOCK_PX / 2);
			if (bit === isWhite(x, BLOCK_PX * 1.5))
				return -1;
			clock = clock * 2 + (bit ? 1 : 0);
		}
		return clock;
	}

	function note() {
		const now = Date.now();
		const clock = video.videoWidth ? readClock() : -1;

		if (clock < 0)
			seen.unreadable++;
		else
			seen.frames.push([now, ((now % 2 ** 32) - clock + 2 ** 32) % 2 ** 32]);
		video.requestVideoFrameCallback(note);
	}

	video.addEventListener("waiting", () => seen.waiting++);
	video.requestVideoFrameCallback(note);
	window.liveEdge = seen;
}

say(await visit(url, async (page) => {
	await page.evaluate(watch);
	await page.waitForTimeout(Number(seconds) * 1000);
	await shoot(page, screenshot);
	return page.evaluate(() => ({ ...window.liveEdge, errors: window.isaribiStats.errors,
		lastError: window.isaribiStats.lastError, hlsLatency: window.isaribiStats.latency,
		target: window.isaribiStats.targetLatency }));
}));
