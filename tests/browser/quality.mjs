#!/usr/bin/env node
// The screens of figures in Chromium, in front of a real station: what they say is what the attempts come to when they
// are counted here anew; charts are loaded with them only; a tablet, 200 % and colour-blind eyes.
import { axeHolds, equal, main, makeLine, openPage, shoot, test, truth, until } from "./tools.mjs";

const line = makeLine("quality");
const shown = (page, selector) => page.locator(selector).first().waitFor();
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");

async function says(locator, ...wanted) {
	const text = await textOf(locator);
	for (const words of wanted) truth(text.includes(words), `"${text}" says "${words}"`);
}

// Wilson's interval as the roots of the score equation n (p - q)^2 = z^2 q (1 - q), which is another way to it.
function wilson(good, of) {
	const z2 = 1.959963984540054 ** 2;
	const [a, b, c] = [of + z2, -(2 * good + z2), (good * good) / of];
	const root = Math.sqrt(b * b - 4 * a * c);
	return [(-b - root) / (2 * a), (-b + root) / (2 * a)];
}
const percent = (share) => `${(share * 100).toFixed(1)} %`;

let page;
let url;

test("yields and codes are what the attempts come to; charts come with this screen only", async () => {
	await line.new({ cameras: 6, speed: "instant", program: "hold_after = 0" });
	url = await line.begin(50, "camera=2 at=upload partition=ROMFS0 block=17 times=100 do=flip:5.3");
	for (const n of [1, 3, 4, 5, 6]) await line.wait_slot(n, ["passed"]);
	await line.wait_slot(2, ["failed"]);
	await line.control("clear 2");
	await line.rest("/slots/2/retry", {}, "POST");
	await line.wait_slot(2, ["passed"]);
	const asked = [];
	const sizes = [];
	page = await openPage("about:blank");
	page.on("request", (r) => asked.push(r.url()));
	// what it then asks the station for, again and again, is no part of it
	page.on("response", (r) => !["fetch", "eventsource"].includes(r.request().resourceType()) && sizes.push(r.headerValue("content-length")));
	await page.goto(`${url}/`);
	await shown(page, ".card");
	truth(!asked.some((u) => u.includes("quality") || u.includes("charts")), "the first screen has no charts");
	const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + Number(size ?? 0), 0);
	truth(bytes > 20000 && bytes < 100000, `the first screen has ${bytes} bytes`);
	await page.getByRole("link", { name: "Quality", exact: true }).click();
	await shown(page, ".yields");
	const attempts = (await line.rest("/attempts")).items;
	const judged = attempts.filter((a) => ["PASS", "FAIL"].includes(a.verdict));
	const passed = judged.filter((a) => a.verdict === "PASS").length;
	equal([judged.length, passed], [7, 6], "attempts");
	const [low, high] = wilson(passed, judged.length);
	await says(page.locator(".yields"), `Yield PASS of PASS and FAIL ${percent(passed / judged.length)} 6 7 ${percent(low)} to ${percent(high)}`);
	await says(page.locator(".yields"), `First pass units whose first verdict was PASS ${percent(5 / 6)} 5 6`, "100.0 % 1 1", "100.0 % 6 6");
	await says(page.locator('.scroll[aria-label="What goes wrong"]'), "flash-mismatch FAIL 1 100.0 %");
	const failed = judged.find((a) => a.verdict === "FAIL");
	const hour = judged.filter((a) => a.ended_at.slice(0, 13) === failed.ended_at.slice(0, 13));
	await says(page.locator('.scroll[aria-label="Failures by hour"]'), percent(1 / hour.length));
	await says(page.locator('.scroll[aria-label="Slots"]'), "2 50.0 %");
	await until(async () => (await page.locator(".chart canvas").count()) >= 3, "charts are drawn");
	await until(() => page.evaluate(() => getComputedStyle(document.querySelector(".u-wrap")).position === "relative"), "the charts' own rules are there");
	await shoot(page, "quality");
	await axeHolds(page);
});

test("the form's conditions stand in the address, and hold", async () => {
	await page.getByLabel("Slot", { exact: true }).fill("2");
	await page.getByRole("button", { name: "Show", exact: true }).click();
	await page.waitForURL(/slot=2/);
	await shown(page, '.sum:has-text("2 attempts on 1 units: 1 PASS, 1 FAIL")');
	await page.reload();
	await shown(page, '.sum:has-text("2 attempts on 1 units: 1 PASS, 1 FAIL")');
	equal(await page.getByLabel("Slot", { exact: true }).inputValue(), "2");
	await page.getByRole("button", { name: "Last 8 hours", exact: true }).click();
	await page.waitForURL(/from=/);
	await shown(page, '.sum:has-text("2 attempts on 1 units")');
	await page.getByRole("button", { name: "All", exact: true }).click();
	await shown(page, '.sum:has-text("7 attempts on 6 units")');
	await page.goto(`${url}/quality?order=nothing`);
	await shown(page, '.sum:has-text("0 attempts")');
	await axeHolds(page);
	equal(page.errors, [], "the page's errors");
});

// A month of a full fixture, in the station's shape.
function month(small) {
	const codes = ["flash-mismatch", "no-return", "usb-gone", "usb-timeout", "romfs-bad", "flash-error", "wrong-firmware", "left-early"];
	let sum = 0;
	const pareto = codes.map((code, i) => ({ code, verdict: i === 2 || i === 3 || i === 7 ? "ERROR" : "FAIL", count: 128 >> i, share: (128 >> i) / 255, cumulative: (sum += 128 >> i) / 255 }));
	const hours = Array.from({ length: 240 }, (_, i) => {
		const fail = i === 200 ? 22 : (i * 7) % 5;
		return { hour: new Date(Date.UTC(2026, 9, 1, i)).toISOString(), pass: 100 - fail, fail, share: fail / 100, low: 0, high: 0.065, out: fail > 6.5 };
	});
	const bins = Array.from({ length: 22 }, (_, i) => ({ from_ms: 2000 + i * 500, to_ms: i < 21 ? 2500 + i * 500 : null, count: Math.round(9000 * Math.exp(-((i - 6) ** 2) / 12)) + 20 }));
	const one = small.slots[0];
	const slots = Array.from({ length: 24 }, (_, i) => ({ ...one, slot: i + 1, pass: 980 + i, fail: i === 6 ? 90 : 3, error: i % 4, retries: i,
		yield: { good: 980, of: 1000, rate: 0.98, low: 0.969, high: 0.987 }, mb_s: 0.91, mb_s_before: 0.92, mb_s_after: i === 3 ? 0.71 : 0.91, drift: i === 3 ? -0.228 : -0.01,
		failed_units: { passed_elsewhere: i === 6 ? 71 : 0, failed_elsewhere: i === 6 ? 2 : 1, passed_here: 1, only_here: 1 }, points_to: i === 6 ? "slot" : null }));
	return { ...small, attempts: 24000, pareto, p_chart: { mean: 0.02, hours_before: 12, hours }, cycle: { ...small.cycle, bins }, slots };
}

test("a month of 24 slots: nothing is cut, at 1080p, on a tablet, at 200 %; and told without colours", async () => {
	const small = await line.rest("/stats");
	for (const [width, height] of [[1920, 1080], [1024, 768], [960, 540]]) {
		const at = await openPage("about:blank", { width, height });
		await at.route("**/api/v1/stats*", (route) => route.fulfill({ json: month(small) }));
		await at.goto(`${url}/quality`);
		await shown(at, ".yields");
		await says(at.locator(".findings"), "Slot 7 ▲ The slot: units that fail here pass elsewhere.", "Slot 4 ▼ 22.8 % slower than before.");
		await says(at.locator('.scroll[aria-label="Failures by hour"]'), "▲ above");
		equal(await at.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, `the page scrolls to the side at ${width}`);
		if (width !== 1024) await axeHolds(at);
		await shoot(at, `quality-month-${width}`);
		for (const type of width === 1920 ? ["deuteranopia", "protanopia"] : []) {
			await eyes(at, type);
			await shoot(at, `quality-month-${type}`);
		}
		await at.context().close();
	}
	await page.context().close();
	await line.end();
});

async function eyes(at, type) {
	const session = await at.context().newCDPSession(at);
	await session.send("Emulation.setEmulatedVisionDeficiency", { type });
}

await main();
