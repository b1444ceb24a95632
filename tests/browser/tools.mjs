// What the browser tests share: TAP, the line behind them, Chromium, axe.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = createRequire(resolve("build/browser/package.json"));
const { chromium } = modules("playwright-core");
const axe = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");
export const SHOTS = "build/browser/shots";

export function equal(got, want, what = "") {
	const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
	if (a !== b) throw new Error(`${what}: got ${a}, want ${b}`);
}

export function truth(value, what) {
	if (!value) throw new Error(`not so: ${what}`);
}

// A limit that only ends a failure: machines may be slow.
export const LIMIT_MS = 120000;

// What the condition comes to, once it is true.
export async function until(condition, what) {
	for (const end = performance.now() + LIMIT_MS;;) {
		const value = await condition();
		if (value) return value;
		if (performance.now() > end) throw new Error(`never so: ${what}`);
		await new Promise((done) => setTimeout(done, 50));
	}
}

// --- lines, in one python process

const helper = spawn("python3", [join(here, "rig.py")], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = [];
createInterface({ input: helper.stdout }).on("line", (text) => {
	const { is, error } = JSON.parse(text);
	const { done, fail } = waiting.shift();
	if (error) fail(new Error(error));
	else done(is);
});
helper.on("exit", () => waiting.splice(0).forEach(({ fail }) => fail(new Error("the line's helper ended"))));

// line.NAME(...) is the Rig's method NAME
export function makeLine(name) {
	const call = (...words) =>
		new Promise((done, fail) => {
			waiting.push({ done, fail });
			helper.stdin.write(`${JSON.stringify([name, ...words])}\n`);
		});
	return new Proxy({}, { get: (_, method) => (method === "then" ? undefined : (...words) => call(method, ...words)) });
}

// --- the browser

export const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: [
		"--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync",
	],
});

// A page of a kiosk's size.  What it logs as an error is kept in page.errors.
export async function openPage(url, viewport = { width: 1920, height: 1080 }) {
	const context = await browser.newContext({ viewport });
	context.setDefaultTimeout(LIMIT_MS);
	const page = await context.newPage();
	page.errors = [];
	page.on("console", (m) => m.type() === "error" && page.errors.push(m.text()));
	page.on("pageerror", (e) => page.errors.push(String(e)));
	await page.goto(url);
	return page;
}

export async function shoot(page, name, how = {}) {
	mkdirSync(SHOTS, { recursive: true });
	await page.screenshot({ ...how, path: join(SHOTS, `${name}.png`) });
}

// As a scanner types: a key every millisecond, however slow this machine is, then Enter.  A code that is read twice within
// a moment is one reading, so what is scanned on purpose comes later.  keys: what the page is told of each key, where that
// is more than its character; what it types then goes into a field, too, as a browser does it.
export async function scan(page, text, keys) {
	await page.waitForTimeout(scan.last === text ? 800 : 0);
	scan.last = text;
	await page.evaluate(({ text, keys }) => {
		const at = performance.now();
		[...(keys ?? [...text].map((key) => ({ key }))), { key: "Enter" }].forEach((key, i) => {
			const event = new KeyboardEvent("keydown", { ...key, bubbles: true, cancelable: true });
			Object.defineProperty(event, "timeStamp", { value: at + i });
			const into = document.activeElement;
			if (!into.dispatchEvent(event) || !keys || !into.matches("input")) return;
			if (key.key.length === 1) into.value += key.key;
			else if (key.key === "Enter") into.form.requestSubmit();
		});
	}, { text, keys });
}

// What a reader reads in a picture of this element.  In a page of its own, since the station's policy takes no pictures
// from elsewhere.
export async function decodeCode(locator) {
	const picture = (await locator.screenshot()).toString("base64");
	const reader = await browser.newPage();
	await reader.addScriptTag({ content: readFileSync(modules.resolve("jsqr/dist/jsQR.js"), "utf8") });
	const text = await reader.evaluate(async (data) => {
		const image = new Image();
		image.src = `data:image/png;base64,${data}`;
		await image.decode();
		const { width, height } = image;
		const pen = new OffscreenCanvas(width, height).getContext("2d");
		pen.drawImage(image, 0, 0);
		return window.jsQR(pen.getImageData(0, 0, width, height).data, width, height)?.data;
	}, picture);
	await reader.close();
	return text;
}

// Every rule of axe holds.  Evaluated from outside, so that the page's policy stays as it is.
export async function axeHolds(page) {
	await page.evaluate(axe);
	const found = await page.evaluate(async () => (await window.axe.run()).violations);
	equal(
		found.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary}`).join(" | ")}`),
		[],
		"axe",
	);
}

// --- TAP

const rows = [];
export const test = (title, run) => rows.push({ title, run });

export async function main() {
	const words = process.argv.slice(2);
	const chosen = rows.filter(({ title }) => words.every((w) => title.includes(w)));
	console.log(`1..${chosen.length}`);
	let bad = 0;
	for (const [i, { title, run }] of chosen.entries()) {
		const started = performance.now();
		try {
			await run();
			console.log(`ok ${i + 1} - ${title}`);
		} catch (error) {
			bad++;
			console.log(`not ok ${i + 1} - ${title}`);
			console.log(String(error.stack ?? error).replace(/^/gm, "# "));
			console.log(`# ${String(error).split("\n").slice(0, 3).join(" ")}`); // the last line is the reason
		}
		console.log(`\n# ${((performance.now() - started) / 1000).toFixed(1)} s`);
	}
	await browser.close();
	helper.stdin.end();
	process.exitCode = bad ? 1 : 0;
}
