#!/usr/bin/env node
// The dashboard in Chromium, in front of a real station with virtual cameras.  `tests/browser/line.mjs WORD...` runs
// only the tests whose titles contain the words.  Every wait is for a thing that must come; its limit bounds a failure.
import { axeHolds, equal, main, makeLine, openPage, shoot, test, truth } from "./tools.mjs";

const LIMIT_MS = 60000;
const small = makeLine("small"); // six cameras, quick
const large = makeLine("large"); // sixty-four
const slow = makeLine("slow"); // one that takes its time

const card = (page, number) => page.locator(`[data-slot="${number}"]`);
const shown = (page, selector) => page.locator(selector).first().waitFor({ timeout: LIMIT_MS });
const inState = (page, number, state) => shown(page, `[data-slot="${number}"][data-state="${state}"]`);
const figure = (page, name, value) => shown(page, `.figure:has(dt:text-is("${name}")) dd:text-is("${value}")`);
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");
const press = (within, name) => within.getByRole("button", { name, exact: true }).click({ timeout: LIMIT_MS });

async function says(locator, ...wanted) {
	const text = await textOf(locator);
	for (const words of wanted) truth(text.includes(words), `"${text}" says "${words}"`);
}

let page;

// What is wrong with camera 2.
const BAD_FLASH = "camera=2 at=upload partition=ROMFS0 block=17 times=100 do=flip:5.3";

test("cameras pass: word, UID, seconds, counters, order; nothing in the page's error log; axe", async () => {
	await small.new({ cameras: 6, program: "hold_after = 0" });
	page = await openPage(`${await small.begin(50, BAD_FLASH)}/`);
	for (const n of [1, 3, 4, 5, 6]) await inState(page, n, "passed");
	const slots = await small.slots();
	for (const slot of slots.filter((s) => s.slot !== 2)) await says(card(page, slot.slot), "PASS", slot.uid, "Put it into the good bin.");
	await page.locator(".seconds", { hasText: /^\d+\.\d s$/ }).nth(4).waitFor({ timeout: LIMIT_MS });
	await shown(page, '.batch:has-text("5 / 50 passed")');
	await figure(page, "running", 0);
	await figure(page, "failed", 1);
	await says(page.locator(".batch"), "WO-1", "app 1.0.0 · openmv-n6", "running 0 failed 1 error 0", "yield 83.3 %");
	equal(await page.locator(".card").evaluateAll((all) => all.map((c) => Number(c.dataset.slot))), [1, 2, 3, 4, 5, 6]);
	const sizes = await page.locator(".word").evaluateAll((all) => all.map((w) => parseFloat(getComputedStyle(w).fontSize)));
	truth(Math.min(...sizes) >= 64, `words of a small line: ${sizes} px`);
	await shoot(page, "passed");
	await axeHolds(page);
	equal(page.errors, [], "the page's errors");
});

test("one page keeps one event stream, and what it shows needs no reload", async () => {
	let streams = 0;
	page.on("request", (r) => (streams += r.url().endsWith("/api/v1/events") ? 1 : 0));
	await page.reload();
	await inState(page, 6, "passed");
	await small.control("unplug 6");
	await inState(page, 6, "empty");
	await says(card(page, 6), "EMPTY", "Plug in a camera.");
	await small.control("plug 6 hold");
	await inState(page, 6, "refused"); // it has passed already
	await says(card(page, 6), "REFUSED", "Put it into the good bin, or ask for a rework.", "already-passed");
	await shown(page, ".link:has-text('live')");
	await page.route("**/api/v1/slots?*", () => {}); // these questions get no answer: what is shown comes by events
	await small.control("unplug 5");
	await inState(page, 5, "empty");
	await page.unrouteAll({ behavior: "ignoreErrors" });
	equal(streams, 1, "event streams");
});

test("a red slot has its word, sentence, what to do and code; a retry makes it green", async () => {
	await inState(page, 2, "failed");
	await says(card(page, 2), "FAIL", "he flash does not hold what was written", "Set the camera aside: its flash is bad.",
		"flash-mismatch");
	await says(page.locator(".unseen[role=status]"), "Slot 2: FAIL.");
	await shown(page, '.figure.fail:has-text("1")');
	await shoot(page, "failed");
	await axeHolds(page);
	await small.control("clear 2");
	await press(card(page, 2), "Retry slot 2");
	await inState(page, 2, "passed");
	await shown(page, '.batch:has-text("6 / 50 passed")');
});

test("a refused order is a sentence with what to do", async () => {
	await small.control("unplug 6");
	await press(card(page, 6), "Retry slot 6");
	await shown(page, ".notice");
	await says(page.locator(".notice"), "Retry slot 6 was refused.", "Unplug it and plug it in again.");
	await axeHolds(page);
	await press(page.locator(".notice"), "Close");
	await page.locator(".notice").waitFor({ state: "detached", timeout: LIMIT_MS });
});

test("disable and enable; hold and resume; close asks for a second press", async () => {
	await press(card(page, 6), "Disable slot 6");
	await shown(page, '[data-slot="6"] .tag:has-text("disabled")');
	await press(card(page, 6), "Enable slot 6");
	await card(page, 6).locator(".tag").waitFor({ state: "detached", timeout: LIMIT_MS });
	await press(page.locator(".batch"), "Hold batch WO-1");
	await shown(page, ".held");
	await says(page.locator(".held"), "BATCH WO-1 HELD.");
	await axeHolds(page);
	await press(page.locator(".batch"), "Resume batch WO-1");
	await page.locator(".held").waitFor({ state: "detached", timeout: LIMIT_MS });
	const close = page.locator(".batch .order").last();
	await close.dblclick(); // a bouncing finger is one press
	await says(close, "press again");
	equal((await small.rest("/batches")).items[0].state, "open");
	await page.waitForTimeout(400); // longer than a bounce
	await close.click();
	await shown(page, ".no-batch");
	await says(page.locator(".no-batch"), "No batch is open.");
});

test("an unrecorded result says DO NOT SHIP and the held station says why", async () => {
	await page.route("**/api/v1/events", (route) => route.abort());
	await page.route("**/api/v1/slots?*", async (route) => {
		const answer = await route.fetch();
		const body = await answer.json();
		Object.assign(body.items[0], { state: "unrecorded", verdict: null, code: "journal-failed", message: "disk full",
			action: "DO NOT SHIP. Call engineering: check the station's disk." });
		await route.fulfill({ response: answer, json: body });
	});
	await page.route("**/api/v1/station", async (route) => {
		const answer = await route.fetch();
		await route.fulfill({ response: answer, json: { ...(await answer.json()), state: "held", code: "journal-failed",
			message: "The result could not be written to disk.", action: "Call engineering." } });
	});
	await page.reload();
	await inState(page, 1, "unrecorded"); // by polling: events are cut off
	await says(card(page, 1), "DO NOT SHIP", "Call engineering: check the station's disk.");
	await says(page.locator(".held"), "STATION HELD. The result could not be written to disk.");
	await shoot(page, "unrecorded");
	await axeHolds(page);
	await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("a unit's history: found by its UID, newest attempt first, steps, CRCs, versions", async () => {
	const uid = (await small.slots())[1].uid;
	await page.goto(`${await small.find()}/units`);
	await page.getByRole("searchbox").fill(uid);
	await page.getByRole("searchbox").press("Enter");
	await shown(page, ".attempt");
	const unit = await small.rest(`/units/${uid}`);
	equal(await page.locator(".attempt h2").allInnerTexts(), unit.attempts.map((a) => `Attempt ${a.id}`));
	equal(unit.attempts.map((a) => a.verdict), ["PASS", "FAIL"]);
	const [newest, failed] = [page.locator(".attempt").nth(0), page.locator(".attempt").nth(1)];
	await says(newest, "PASS", "ROMFS0", unit.attempts[0].regions[0].crc32, "= equal", "Proof", "Version: bootloader");
	for (const step of unit.attempts[0].steps) await says(newest, step.step);
	await says(failed, "FAIL", "flash-mismatch", "≠ DIFFERENT", unit.attempts[1].regions[0].crc32_read);
	await shoot(page, "unit");
	await axeHolds(page);
	await page.getByRole("searchbox").fill("no-such-unit");
	await page.getByRole("searchbox").press("Enter");
	await shown(page, ".block:has(h2:text-is('no-such-unit')) .said");
	await page.context().close();
	await small.end();
});

// A tablet, and a kiosk's screen at 200 %: nothing is cut to the side, and the cards begin on the first screen.
async function narrowHolds(url, width, height) {
	const at = await openPage(url, { width, height });
	await shown(at, ".card");
	await shown(at, ".batch");
	await shoot(at, `narrow-${width}`);
	equal(await at.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, "the page scrolls to the side");
	const cut = await at.locator(".unit, .todo").evaluateAll((all) => all.filter((u) => u.scrollWidth > u.clientWidth + 1 || u.scrollHeight > u.clientHeight + 2).length);
	equal(cut, 0, "units and sentences that are cut");
	const top = await at.locator(".card").first().evaluate((c) => c.getBoundingClientRect().top);
	truth(top < height / 2, `the first card begins at ${top} of ${height} px`);
	await axeHolds(at);
	await at.context().close();
}

test("abort asks for a second press and stops a camera at work", async () => {
	await slow.new({ cameras: 1, speed: "0.05" });
	page = await openPage(`${await slow.begin()}/`);
	await shown(page, '[data-slot="1"] .progress');
	await says(card(page, 1), "WORKING");
	const abort = card(page, 1).locator(".order.danger");
	await abort.click();
	await says(abort, "press again");
	await page.waitForTimeout(400); // longer than a bounce
	await abort.click();
	await inState(page, 1, "aborted");
	await says(card(page, 1), "ABORTED", "Plug the camera in again to start over.");
	await axeHolds(page);
	await page.context().close();
	await slow.end();
});

// Everything that a card says is inside it, all cards are inside the screen, and none lies on another.
async function layoutHolds(at) {
	const found = await at.evaluate(() => {
		const bad = [];
		const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
		const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
		const grid = document.querySelector(".slots").getBoundingClientRect();
		if (!inside(grid, screen)) bad.push("the slots leave the screen");
		const boxes = [];
		for (const c of document.querySelectorAll(".card")) {
			const box = c.getBoundingClientRect();
			if (!inside(box, grid)) bad.push(`card ${c.dataset.slot} leaves its place`);
			if (boxes.some((b) => b.left < box.right - 1 && box.left < b.right - 1 && b.top < box.bottom - 1 && box.top < b.bottom - 1))
				bad.push(`card ${c.dataset.slot} lies on another`);
			boxes.push(box);
			for (const part of c.querySelectorAll(".number, .word, .shape, .unit, .what, .todo, .seconds, .progress, .order")) {
				const at = part.getBoundingClientRect();
				const body = part.closest(".body")?.getBoundingClientRect() ?? box;
				if (at.width && !(inside(at, body) || (part.matches(".seconds") && inside(at, box)))) bad.push(`card ${c.dataset.slot}: ${part.getAttribute("class")} leaves it`);
				if (part.matches(".word") && part.getBoundingClientRect().right > box.right - 8) bad.push(`card ${c.dataset.slot}: its word touches the edge`);
				if (part.matches(".seconds") && at.width && at.left < c.querySelector(".word").getBoundingClientRect().right && at.top < c.querySelector(".lamp").getBoundingClientRect().bottom - 2)
					bad.push(`card ${c.dataset.slot}: seconds lie on the word`);
				if (part.scrollWidth > part.clientWidth + 1 && part.matches(".unit")) bad.push(`card ${c.dataset.slot}: its unit is cut`);
				if (part.scrollHeight > part.clientHeight + 2 && part.matches(".todo")) bad.push(`card ${c.dataset.slot}: text is cut`);
			}
		}
		const root = document.scrollingElement;
		if (root.scrollHeight > innerHeight || root.scrollWidth > innerWidth) bad.push("the page scrolls");
		return bad;
	});
	equal(found, [], "layout");
}

test("64 slots fit a screen of 1920x1080, whole and legible; one that is picked says all", async () => {
	await large.new({ cameras: 64, program: "hold_after = 0" });
	const url = await large.begin(40); // the last 24 are one too many
	page = await openPage(`${url}/`);
	await large.wait_rest();
	await page.waitForFunction(() => document.querySelectorAll('[data-state="passed"]').length === 40, null, { timeout: LIMIT_MS });
	await page.waitForFunction(() => document.querySelectorAll('[data-state="refused"]').length === 24, null, { timeout: LIMIT_MS });
	await shoot(page, "sixty-four");
	await layoutHolds(page);
	const sizes = await page.locator('[data-state="passed"] .word').evaluateAll((all) => all.map((w) => parseFloat(getComputedStyle(w).fontSize)));
	truth(Math.min(...sizes) >= 34, `PASS can be read from three metres: ${Math.min(...sizes)} px`);
	await axeHolds(page);
	const refused = (await large.slots()).find((s) => s.state === "refused");
	await card(page, refused.slot).getByRole("button").click();
	await says(page.locator(".panel"), "REFUSED", refused.uid, "Close the batch and open the next one.", "batch-complete");
	await layoutHolds(page);
	await shoot(page, "sixty-four-picked");
	await axeHolds(page);
	await narrowHolds(`${url}/`, 1024, 768);
	await narrowHolds(`${url}/`, 960, 540);
	await page.context().close();
});

test("slots stand where the line file puts them", async () => {
	const rig = makeLine("picture");
	await rig.new({ cameras: 4, slots: ["1-1.1", "1-1.2", "1-1.3", "1-1.4"] }); // one row, from right to left
	page = await openPage(`${await rig.begin(4)}/`);
	await inState(page, 4, "passed");
	const boxes = await Promise.all([1, 2, 3, 4].map((n) => card(page, n).boundingBox()));
	equal(new Set(boxes.map((b) => b.y)).size, 1, "rows");
	truth(boxes.every((b, i) => !i || b.x + b.width <= boxes[i - 1].x), "from right to left");
	await layoutHolds(page);
	await page.context().close();
	await rig.end();
});

// As long as the station makes them.
const WORDS = "The camera answered a request for its state with something that stands in no table of its standard, and went on so ";
const MESSAGE = (WORDS + WORDS).slice(0, 231);
const LONGEST = [
	{ state: "error", verdict: "ERROR", code: "usb-protocol", message: MESSAGE,
		action: "Check the cable, then plug it in again; if it repeats call engineering." },
	{ state: "unrecorded", verdict: null, code: "journal-failed", message: MESSAGE,
		action: "DO NOT SHIP. Call engineering: check the station's disk." },
	{ state: "written", verdict: null, code: null, message: null, action: null, step: "read-back", done_bytes: 1, total_bytes: 3 },
];

test("the longest sentences fit at any number of slots, and what to do is never cut", async () => {
	page = await openPage(`${await large.find()}/plain`);
	const like = (await large.slots()).find((s) => s.state === "refused");
	let count = 0;
	await page.route("**/api/v1/events", (route) => route.abort());
	await page.route("**/api/v1/slots?*", (route) => {
		const items = Array.from({ length: count }, (_, i) => ({ ...like, slot: i + 1, ...LONGEST[i % LONGEST.length] }));
		return route.fulfill({ json: { items, next: null } });
	});
	let orders = 1;
	await page.route("**/api/v1/station", async (route) => {
		const now = await (await route.fetch()).json();
		const batches = Array.from({ length: orders }, (_, i) => ({ ...now.batches[0], id: String(i + 1), order: `WO-${i}` }));
		return route.fulfill({ json: { ...now, batches } });
	});
	await page.route("**/api/v1/batches/*", async (route) => {
		const [batch] = (await large.rest("/batches")).items;
		return route.fulfill({ json: { ...batch, id: route.request().url().split("/").pop() } });
	});
	for ([count, orders] of [[1, 1], [3, 1], [4, 1], [8, 1], [16, 1], [24, 1], [64, 1], [64, 3]]) {
		await page.goto(`${await large.find()}/`);
		await page.waitForFunction((n) => document.querySelectorAll(".card").length === n, count, { timeout: LIMIT_MS });
		await page.waitForFunction((n) => document.querySelectorAll(".batch").length === n, orders, { timeout: LIMIT_MS });
		await shoot(page, `longest-${count}-${orders}`);
		await layoutHolds(page);
	}
	await axeHolds(page);
	await page.context().close();
});

test("when the daemon is killed the screen says since when, takes no orders, and catches up after the restart", async () => {
	await large.stop();
	const url = await large.again(2);
	const context = page.context().browser();
	page = await (await context.newContext({ viewport: { width: 1920, height: 1080 } })).newPage();
	await page.clock.install();
	await page.goto(`${url}/`);
	await shown(page, ".card");
	await large.kill();
	await shown(page, ".link:has-text('reconnecting')");
	equal(await page.locator(".no-connection").count(), 0, "told too early");
	await page.clock.fastForward(16000);
	await shown(page, ".no-connection");
	await says(page.locator(".no-connection"), "NO CONNECTION since", "Do not rely on this screen.");
	equal(await page.locator(".order:not(.search .order):enabled").count(), 0, "orders that can be given");
	await shoot(page, "no-connection");
	await large.again(3);
	await page.locator(".no-connection").waitFor({ state: "detached", timeout: LIMIT_MS });
	for (const n of [1, 2, 3]) await large.wait_slot(n, ["refused"]); // they have passed before
	const want = (await large.slots()).map((s) => s.state);
	await page.waitForFunction(
		(states) => [...document.querySelectorAll(".card")].map((c) => c.dataset.state).join() === states.join(), want,
		{ timeout: LIMIT_MS });
	await page.context().close();
	await large.end();
});

await main();
