#!/usr/bin/env node
// A shift on a station that has everything: logins, an MES, serials by scanner, MAC numbers, labels, a challenge.  The
// line is worked by scanner alone; the screens around it are those of who is called.
import { readFileSync } from "node:fs";
import { keysOf } from "./layouts.mjs";
import { axeHolds, decodeCode, equal, main, makeLine, openPage, scan as scanOn, shoot, test, truth } from "./tools.mjs";

const LIMIT_MS = 60000;
const line = makeLine("floor");
const shown = (page, selector) => page.locator(selector).first().waitFor({ timeout: LIMIT_MS });
const gone = (page, selector) => page.locator(selector).first().waitFor({ state: "detached", timeout: LIMIT_MS });
const inState = (number, state) => shown(page, `[data-slot="${number}"][data-state="${state}"]`);
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");
const press = (within, name) => within.getByRole("button", { name, exact: true }).click({ timeout: LIMIT_MS });
const go = (name) => page.getByRole("link", { name, exact: true }).click({ timeout: LIMIT_MS });

// Sooner or later.
async function comes(selector, ...wanted) {
	for (const words of wanted) await shown(page, `${selector}:has-text("${words}")`);
}

async function says(locator, ...wanted) {
	const text = await textOf(locator);
	for (const words of wanted) truth(text.includes(words), `"${text}" says "${words}"`);
}

const scan = (text) => scanOn(page, text);

// Scanned, and what the screen says to it.
async function card(text, ...sentences) {
	await scan(text);
	for (const words of sentences) await shown(page, `.told:has-text("${words}")`);
	equal(await page.locator(".notice").count(), 0, `${text} was refused`);
}

async function refused(text, words, code) {
	await scan(text);
	await shown(page, `.notice:has-text("${words}")`);
	await shown(page, `.notice code:text-is("${code}")`);
}

async function shows(name) {
	equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, `${name} scrolls to the side`);
	await shoot(page, name);
	await axeHolds(page);
}

let page, made, layoutCard;

test("a badge logs in; the shift is started by its card and opens by scanner alone when the challenge unit has shown its verdict", async () => {
	await line.new({ cameras: 3, speed: "instant", program: "hold_after = 0\nretries = 0" });
	made = await line.floor();
	page = await openPage(`${made.url}/`);
	await shown(page, ".login");
	await refused("OP:nobody-has-this", "nobody has this badge", "login-failed");
	truth(!(await textOf(page.locator(".notice"))).includes("nobody-has-this"), "a badge is not told");
	await scan("OP:badge-of-supervisor");
	await shown(page, '.me:has-text("su-person · supervisor")');
	await shown(page, '.challenge:has-text("No shift is open.")');
	await shows("floor-no-shift");
	await scan("CMD:SHIFT START");
	await shown(page, '.challenge:has-text("0 of 1 challenge units shown.")');
	await shown(page, `.challenge:has-text("${made.uids[2]} must end PASS: not yet shown")`);
	await shown(page, '.todo-strip:has-text("Show the challenge units: 1 is left before a batch opens.")');
	await shows("floor-challenge");
	await card("SL:3", "Slot 3: now scan its serial.");
	await card("CMD:DISABLE", "Slot 3 takes no camera.");
	await line.control("power-cycle 3 hold");
	await shown(page, '[data-slot="3"]:has-text("waits in its bootloader")');
	await refused("CH:app;1.0.0", "A challenge card needs a slot's number.", "card-slot");
	await page.getByRole("link", { name: "How", exact: true }).click();
	await page.locator('form[aria-label="Show a unit"] option[value="3"]').waitFor({ state: "attached", timeout: LIMIT_MS });
	await shows("floor-shift");
	await go("Line");
	await card("SL:3", "Slot 3: now scan its serial.");
	await card("CH:app;1.0.0", "Slot 3 shows its unit with app 1.0.0.");
	await inState(3, "passed");
	await shown(page, '[data-slot="3"]:has-text("DEPLOYED")');
	await refused("CH:app;1.0.0", "No challenge is under way.", "card-challenge");
	await card("CMD:ENABLE 3", "Slot 3 takes cameras.");
	equal(await page.locator(".challenge").count(), 0, "challenges");
});

test("numbers are brought and voided on the screen; what is short is said", async () => {
	await go("Station");
	await go("Numbers");
	await shown(page, '.findings:has-text("No MAC numbers are free")');
	await page.getByLabel("Kind").first().selectOption("mac");
	await page.getByLabel("or typed, one a line").fill("02:00:00:00:00:01\n02:00:00:00:00:02\n\n02:00:00:00:00:03\n02:00:00:00:00:03");
	await press(page, "Bring");
	await shown(page, '[role=status]:has-text("3 of 3 brought: 3 are new, 0 were known.")');
	await shown(page, '.yields tr:has(th:text-is("MAC numbers")) td:nth-of-type(1):has-text("3")');
	const form = page.locator('form[aria-label="Void a number"]');
	await form.getByLabel("Kind").selectOption("mac");
	await form.getByLabel("Number", { exact: true }).fill("02:00:00:00:00:02");
	await form.getByLabel("Why").fill("label torn");
	await form.getByRole("button").click();
	await form.getByRole("button", { name: "For good: press again" }).click();
	await shown(page, 'tr:has(code:text-is("02:00:00:00:00:02")):has-text("label torn")');
	equal((await line.rest("/numbers/counts")).mac, { free: 2, listed: 0, reserved: 0, bound: 0, void: 1 });
	await shows("floor-numbers");
	await go("Line");
});

test("an operator sees what an operator may do, and works by scanner alone: batch, serial, plug; a red one acknowledged and retried", async () => {
	await scan("CMD:LOGOUT");
	await shown(page, ".login");
	await scan("OP:badge-of-operator");
	await shown(page, '.me:has-text("op-person · operator")');
	await inState(1, "running");
	equal(await page.getByRole("button", { name: /able slot|Close batch|Resume/ }).count(), 0, "buttons that the station would refuse");
	equal(await page.locator('nav a:text-is("Audit")').count(), 0, "the way to the audit");
	await refused("BT:WO-5;app;9.9.9;3", "No recipe in use is app 9.9.9.", "card-recipe");
	await card("BT:WO-5;app;1.0.0;3", "Order WO-5 is open: 3 of app 1.0.0.");
	await shown(page, '.batch:has-text("WO-5")');
	await line.mes_answers(true, "Mind the lens.");
	await card("SN:CAM-1", "Serial CAM-1: plug the camera in within");
	await line.control("power-cycle 1 hold");
	await inState(1, "passed");
	await comes('[data-slot="1"]', "PASS", "CAM-1", "MES: allowed", "Put it into the good bin.");
	await line.control("fault camera=2 at=dnload times=9 do=status:errWRITE");
	await card("SL:2", "Slot 2: now scan its serial.");
	await card("]C1SN:CAM-2", "Slot 2 gets the serial CAM-2.");
	await shown(page, '[data-slot="2"]:has-text("Its next unit gets the serial CAM-2.")');
	await shows("floor-serial");
	await line.control("power-cycle 2 hold");
	await inState(2, "failed");
	await shows("floor-red");
	await card("CMD:ACK", "Acknowledged.");
	await shown(page, '[data-slot="2"] .tag:has-text("seen")');
	await line.control("clear 2");
	await card("CMD:RETRY 2", "Slot 2 starts again.");
	await inState(2, "asking");
	await card("SN:CAM-2", "Slot 2 gets the serial CAM-2.");
	await inState(2, "passed");
	await refused("CMD:ENABLE", "ENABLE needs a slot's number.", "card-slot");
	await refused("CMD:RETRY", "RETRY needs a slot's number.", "card-slot");
	await refused("SL:77", "There is no slot 77.", "card-no-slot");
	await line.control("unplug 2");
	await shown(page, '[data-slot="2"]:has-text("Last: PASS CAM-2")');
	await page.reload();
	await shown(page, '[data-slot="2"]:has-text("Last: PASS CAM-2")');
	await card("CMD:ACK 2", "Slot 2 is acknowledged.");
	await gone(page, '[data-slot="2"] .last');
});

test("the MES's no is told in its words; an operator's card for a supervisor's work is refused; a supervisor's second scan closes the batch", async () => {
	await line.mes_answers(false, "this unit is not routed here");
	await scan("SN:CAM-3");
	await shown(page, '.told:has-text("Serial CAM-3")');
	await line.control("power-cycle 3 hold");
	await inState(3, "refused");
	await comes('[data-slot="3"]', "The MES says: this unit is not routed here", "mes-refused");
	await shows("floor-mes-no");
	await card("CMD:CLOSE", "Order WO-5: scan the card once more to close it.");
	await refused("CMD:CLOSE", "op-person may not do this", "forbidden");
	await shows("floor-forbidden");
	await card("OP:badge-of-supervisor", "su-person works here now, as supervisor.");
	await line.mes_rule("batch-closed", "status 400");
	await card("CMD:CLOSE", "scan the card once more");
	await card("CMD:CLOSE", "Order WO-5 is closed.");
	await shown(page, ".no-batch");
});

test("the MES's screen: what it would not take is sent again by who may", async () => {
	await go("Station");
	await go("MES");
	await shown(page, 'td:text-is("batch-closed")');
	await says(page.locator("main"), "All is told but what is listed below.", "Not taken, waiting here 1", "the MES is asked before each unit", "400");
	await shows("floor-mes");
	await line.mes_rule(null, null);
	await press(page, "Send all of these again");
	await shown(page, '.block:has(h2:text-is("What the MES would not take")) .sum:text-is("Nothing.")');
});

test("a unit's page: its numbers, the MES's word, its label once more with a reason, and what a printer without paper said", async () => {
	await page.goto(`${made.url}/units/CAM-1`);
	await shown(page, '.attempt .label:has-text("✓ 1 label printed")');
	await shown(page, '.unit-page caption:text-is("Its numbers")');
	await shown(page, '.attempt dd:text-is("MES: allowed")');
	await shown(page, '.attempt dd:text-is("Mind the lens.")');
	const { mac } = await line.rest("/units/CAM-1");
	await says(page.locator(".unit-page"), "Unit CAM-1", `MAC ${mac}`, "Interlock MES: allowed", "Its numbers", "bound, attempt", "scan", "pool");
	await page.getByLabel("Why once more").fill("the first one was torn");
	await press(page, "Print again");
	await shown(page, '.label:has-text("2 labels printed"):has-text("because: the first one was torn.")');
	equal(await line.labels().then((all) => all.filter((text) => text === `CAM-1 ${mac}`).length), 2, "labels on paper");
	await line.printer(false);
	await page.getByLabel("Why once more").fill("once more");
	await press(page, "Print again");
	await shown(page, '.label .said:has-text("failed"):has-text("no paper")');
	await shows("floor-label");
	await line.printer(true);
});

test("cards are printed as codes that a reader reads; one's own PIN; the audit by filter and as a table", async () => {
	await page.goto(`${made.url}/station/cards`);
	await shown(page, '[data-card="SL:3"]');
	const form = page.locator('form[aria-label="A batch card"]');
	await form.getByLabel("Order").fill("WO-6");
	await form.getByLabel("Quantity").fill("12");
	await press(form, "Make the card");
	await press(page.locator('form[aria-label="A challenge card"]'), "Make the card");
	for (const text of ["CMD:RETRY", "CMD:SHIFT START", "SL:3", "BT:WO-6;app;1.0.0;12", "CH:app;1.0.0"])
		equal(await decodeCode(page.locator(`[data-card="${text}"] .qr`)), text, "what a reader reads");
	layoutCard = await decodeCode(page.locator('[data-card="layout"] .qr'));
	truth(/^(.{80,})\1$/.test(layoutCard), layoutCard);
	await shows("floor-cards");
	await page.emulateMedia({ media: "print" });
	await shoot(page, "floor-cards-print", { fullPage: true });
	await page.emulateMedia({ media: "screen" });
	await page.locator(".me a").click();
	for (const [label, value] of [["PIN of now, or badge", "not it at all"], ["New PIN", "a-new-pin"], ["New PIN once more", "a-new-pin"]])
		await page.getByLabel(label, { exact: true }).fill(value);
	await press(page, "Change it");
	await shown(page, '.said:has-text("the name or the PIN is wrong")');
	for (const [label, value] of [["PIN of now, or badge", "pin-of-supervisor"], ["New PIN", "a-new-pin"], ["New PIN once more", "a-new-pin"]])
		await page.getByLabel(label, { exact: true }).fill(value);
	await press(page, "Change it");
	await shown(page, '.soundness:has-text("The PIN is changed.")');
	await shows("floor-pin");
	await page.getByRole("link", { name: "Audit" }).click();
	await page.getByLabel("Who").fill("su-person");
	await page.getByLabel("What", { exact: true }).fill("person pin");
	await press(page, "Show");
	await page.waitForFunction(() => document.querySelectorAll(".audit tbody tr").length === 1, null, { timeout: LIMIT_MS });
	const [file] = await Promise.all([page.waitForEvent("download", { timeout: LIMIT_MS }), go("All of these as CSV")]);
	const rows = readFileSync(await file.path(), "utf8").split("\r\n");
	equal([rows.length, rows[0], rows[1].split(",").slice(2, 5)], [3, "id,at,who,from,what,details", ["su-person", "127.0.0.1", "person-pin"]]);
	truth(!rows[1].includes("argon2"), "no hash is exported");
	await shows("floor-audit");
	// refusals, and the streams that ended with their sessions
	equal(page.errors.filter((e) => !/40[0-9]|422|ERR_INCOMPLETE_CHUNKED/.test(e)), [], "the page's errors");
});

// What a scanner that is set to one layout types on a computer that is set to another; and what the screen says to it.
async function foreign(text, scanner, computer, sentence, code, more) {
	await scanOn(page, text, keysOf(text, scanner, computer, more));
	if (!code) await shown(page, `.told:has-text("${sentence}")`);
	else await shown(page, `.notice:has-text("${sentence}"):has(code:text-is("${code}"))`);
	equal(await page.locator(".notice").count(), code ? 1 : 0, `${text} from a ${scanner} scanner on a ${computer} computer was refused`);
}

test("scanners of a foreign keyboard: cards are read right, what is in doubt is refused, the layout card teaches", async () => {
	await page.goto(`${made.url}/`);
	await shown(page, ".card");
	for (const computer of ["German", "French", "method"]) {
		await foreign("SL:3", "US", computer, "Slot 3: now scan its serial.");
		await foreign("BT:WO-9;my-app;1.0;3", "US", computer, "No recipe in use is my-app 1.0.", "card-recipe");
		await foreign("SN-YZ-1", "US", computer, "do not agree on what it reads", "layout-unknown");
	}
	await foreign("CMD:LINE", "German", "German", "This is the line.");
	await foreign("SN-YZ-1", "German", "German", "do not agree", "layout-unknown");
	await foreign("CAM17", "US", "German", "Slot 3 gets the serial CAM17.");
	await foreign("CAM18", "US", "German", "Caps Lock is on", "layout-caps", { modifierCapsLock: true });
	await foreign(layoutCard, "US", "German", "are put right");
	await foreign("SN-YZ-1", "US", "German", "Serial SN-YZ-1: plug the camera in");
	await page.reload();
	await shown(page, ".card");
	await foreign("CMD:LINE", "US", "German", "This is the line.");
	await foreign("SL:1", "German", "German", "Scan the layout card with this scanner", "layout-other");
	await page.getByRole("searchbox").focus();
	await scanOn(page, "YZ-1", keysOf("YZ-1", "US", "German"));
	await shown(page, 'h2:text-is("YZ-1")');
	await go("Line");
	for (const [scanner, computer, sentence] of [["German", "German", "arrives as it is"], ["French", "French", "arrives as it is"], ["French", "German", "are put right"], ["US", "method", "are put right"]]) {
		await foreign(`${layoutCard}`, scanner, computer, sentence);
		await foreign(`SN:my-QZ_${scanner}.${computer}`, scanner, computer, `Serial my-QZ_${scanner}.${computer}: plug`);
	}
	const shouts = keysOf(layoutCard, "US", "US").map((key) => (/^Key/.test(key.code) ? { ...key, shiftKey: true, key: key.key.toUpperCase() } : key));
	await scanOn(page, "shouted", shouts);
	await shown(page, '.notice code:text-is("layout-alike")');
	await page.goto(`${made.url}/station/cards`);
	await shown(page, ':text("This screen knows its scanner.")');
	await press(page, "Forget this scanner");
	await shown(page, ':text("This screen has read no layout card")');
	await scan("CMD:LOGOUT");
	await shown(page, ".login");
	const failed = async () => (await line.rest("/audit?what=login-failed&limit=100")).items.length;
	const before = await failed();
	await scanOn(page, "badge-of-operator", keysOf("badge-of-operator", "US", "German"));
	await shown(page, '.notice code:text-is("layout-unknown")');
	equal(await page.locator("input[name=badge]").inputValue(), "", "what is left in the field");
	equal(await failed(), before, "logins that failed");
	await foreign("OP:badge-of-supervisor", "US", "German", "su-person works here now");
});

test("on a tablet and at 200 % nothing is cut off", async () => {
	for (const [width, height] of [[1024, 768], [960, 540]])
		for (const [at, mark] of [["/", ".card"], ["/station/mes", ".facts"], ["/station/numbers", ".records, .scroll"], ["/station/cards", ".qr"], ["/units/CAM-1", ".label"]]) {
			await page.setViewportSize({ width, height });
			await page.goto(made.url + at);
			await shown(page, mark);
			equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, `${at} at ${width} scrolls to the side`);
			await shoot(page, `floor-${at.replaceAll("/", "-").slice(1) || "line"}-${width}`);
		}
	await axeHolds(page);
	await page.context().close();
	await line.end();
});

await main();
