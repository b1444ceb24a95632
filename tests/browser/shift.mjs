#!/usr/bin/env node
// An operator's shift by scanner alone, in Chromium in front of a real station: a batch card opens the batch, the strip
// says what to do, verdicts stay until they are acknowledged, command cards do the rest, and what is not understood is
// said.  Nothing is clicked.
import { axeHolds, equal, main, makeLine, openPage, scan, shoot, test, truth } from "./tools.mjs";

const LIMIT_MS = 60000;
const line = makeLine("shift");
const shown = (page, selector) => page.locator(selector).first().waitFor({ timeout: LIMIT_MS });
const todo = (page, words) => shown(page, `.todo-strip .now:has-text("${words}")`);
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");

async function says(locator, ...wanted) {
	const text = await textOf(locator);
	for (const words of wanted) truth(text.includes(words), `"${text}" says "${words}"`);
}

let page;

test("a batch card opens a batch, twice the same one; the strip says what to do from the first camera to the last", async () => {
	await line.new({ cameras: 3, speed: "instant", program: "hold_after = 0" });
	const { url, signed } = await line.unsigned_and_signed();
	await line.upload(signed);
	page = await openPage(`${url}/?kiosk`);
	await todo(page, "Open a batch, or scan a batch card.");
	equal(await page.locator(".top nav").isVisible(), false, "tabs on a kiosk");
	for (let i = 0; i < 2; i++) {
		await scan(page, "BT:WO-9;app;1.0.0;5");
		await shown(page, '.batch:has-text("WO-9")');
	}
	equal((await line.rest("/batches")).items.length, 1, "batches");
	equal(await page.locator(".notice").count(), 0, "refusals");
	await todo(page, "Plug in the first camera.");
	const again = await line.cameras_come("camera=2 at=upload partition=ROMFS0 block=17 times=100 do=flip:5.3");
	page = await openPage(`${again.url}/?kiosk`);
	await line.wait_slot(2, ["failed"]);
	for (const n of [1, 3]) await line.wait_slot(n, ["passed"]);
	await todo(page, "Slot 2: Set the camera aside: its flash is bad.");
	await shown(page, '.figure:has(dt:text-is("an hour")) dd:text-matches("^[1-9]")');
	await shown(page, '.figure:has(dt:text-is("left")) dd:text-matches("min|h|days")');
	await shoot(page, "shift-red");
	await axeHolds(page);
});

test("a red verdict stays until it is acknowledged; then what is next; a verdict stays readable when the camera has gone", async () => {
	await scan(page, "CMD:ACK");
	await shown(page, '[data-slot="2"] .tag:has-text("seen")');
	await todo(page, "Take out slots 1 and 3: into the good bin.");
	await shoot(page, "shift-pass");
	await axeHolds(page);
	await line.control("unplug 1");
	await shown(page, '[data-slot="1"] .last:has-text("Last: PASS")');
	await todo(page, "Take out slot 3");
	await line.control("unplug 3");
	await todo(page, "Plug a camera into slots 1, 2 and 3.");
	await shoot(page, "shift-empty");
	await scan(page, "CMD:ACK");
	await page.locator(".last").first().waitFor({ state: "detached", timeout: LIMIT_MS });
	await scan(page, "CMD:ACK");
	await shown(page, ".notice");
	await says(page.locator(".notice"), "Nothing waits to be acknowledged.");
});

test("command cards: retry, disable, enable, hold, resume, close; what is no card or no slot is said", async () => {
	await line.control("clear 2");
	await scan(page, "CMD:RETRY 2");
	await shown(page, '[data-slot="2"][data-state="passed"]');
	equal(await page.locator(".notice").count(), 0, "refusals");
	await scan(page, "cmd:disable 3");
	await shown(page, '[data-slot="3"] .tag:has-text("disabled"), [data-slot="3"].tone-off');
	await scan(page, "CMD:ENABLE 3");
	await shown(page, '[data-slot="3"].tone-idle');
	await scan(page, "CMD:HOLD");
	await todo(page, "Order WO-9 is held.");
	await scan(page, "CMD:RESUME");
	await todo(page, "Take out slot 2");
	for (const [card, words] of [["CMD:DANCE 1", "There is no command DANCE."], ["CMD:RETRY", "needs a slot's number"], ["CMD:RETRY 99", "There is no slot 99."], ["BT:WO-10;app;9.9.9;5", "No recipe in use is app 9.9.9."]]) {
		await scan(page, card);
		await shown(page, `.notice:has-text("${words}")`);
		await says(page.locator(".notice"), `The card ${card} was refused.`);
	}
	await axeHolds(page);
	await scan(page, "CMD:CLOSE");
	await shown(page, '.told:has-text("Order WO-9: scan the card once more to close it.")');
	await scan(page, "CMD:CLOSE");
	await todo(page, "Open a batch, or scan a batch card.");
	equal(await page.locator(".notice").count(), 0, "refusals");
});

test("a card that is scanned into a field is a card; a serial finds its unit; people who type are left alone", async () => {
	const uid = (await line.slots())[1].uid;
	await page.goto(page.url().replace("?kiosk", ""));
	await shown(page, ".card");
	await page.getByRole("searchbox").pressSequentially("CMD:", { delay: 120 }); // a person
	await page.getByRole("searchbox").press("Enter");
	await page.waitForURL(/q=CMD/, { timeout: LIMIT_MS });
	await page.getByRole("searchbox").focus();
	await scan(page, "CMD:LINE");
	await page.waitForURL(/\/$/, { timeout: LIMIT_MS });
	await page.evaluate(() => document.activeElement.blur());
	await scan(page, uid.toUpperCase());
	await page.waitForURL(new RegExp(`units/${uid}`), { timeout: LIMIT_MS });
	equal(page.errors.filter((e) => !/40[0-9]|422/.test(e)), [], "the page's errors");
	await page.context().close();
	await line.end();
});

await main();
