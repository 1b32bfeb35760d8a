// SPDX-License-Identifier: Apache-2.0
// Chromium with one page, for the scripts beside it. ISARIBI_BROWSER_MODULES names where npm put its packages;
// ISARIBI_ANY_CERTIFICATE=1 lets it take one that nobody has signed.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

const require = createRequire(process.env.ISARIBI_BROWSER_MODULES + "/");
const { chromium } = require("playwright-core");

const EXECUTABLE = process.env.ISARIBI_CHROMIUM || "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];

// One JSON line of output.
export function say(line) {
	process.stdout.write(JSON.stringify(line) + "\n");
}

// Opens the URL, says what the page complains of, and returns what watch(page) does. The browser has ended by then.
export async function visit(url, watch) {
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS, headless: true });
	try {
		const page = await browser.newPage({ viewport: { width: 1280, height: 800 },
			ignoreHTTPSErrors: process.env.ISARIBI_ANY_CERTIFICATE === "1" });

		page.on("console", (m) => {
			if (m.type() === "error" || m.type() === "warning")
				say({ console: m.type(), text: m.text(), from: m.location().url });
		});
		page.on("pageerror", (e) => say({ console: "exception", text: String(e) }));
		await page.goto(url, { waitUntil: "load", timeout: 30000 });
		return await watch(page);
	} finally {
		await browser.close();
	}
}

export async function shoot(page, path) {
	mkdirSync(dirname(path), { recursive: true });
	await page.screenshot({ path });
}
