#!/usr/bin/env node
// The screens around the line in Chromium, in front of a real station: a recipe comes in, two people approve it, a batch
// is opened and reconciled, QA finds a unit and takes its record away, the station shows its health.
import { readFileSync } from "node:fs";
import { axeHolds, equal, main, makeLine, openPage, shoot, test, truth } from "./tools.mjs";

const LIMIT_MS = 60000;
const line = makeLine("pages");
const shown = (page, selector) => page.locator(selector).first().waitFor({ timeout: LIMIT_MS });
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");
const press = (within, name) => within.getByRole("button", { name, exact: true }).click({ timeout: LIMIT_MS });

async function says(locator, ...wanted) {
	const text = await textOf(locator);
	for (const words of wanted) truth(text.includes(words), `"${text}" says "${words}"`);
}

async function takeFile(page, name) {
	const [got] = await Promise.all([page.waitForEvent("download", { timeout: LIMIT_MS }), page.getByRole("link", { name, exact: true }).click()]);
	return readFileSync(await got.path(), "utf8");
}

async function shows(page, name, { axe = true } = {}) {
	equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, `${name} scrolls to the side`);
	await shoot(page, name);
	if (axe) await axeHolds(page);
}

let page;
let made;

test("a recipe comes in as a draft; two people approve it, one activates it; what is inside", async () => {
	await line.new({ cameras: 3, speed: "instant", recipes: "approvals = 2" });
	made = await line.unsigned_and_signed();
	page = await openPage(`${made.url}/recipes`);
	await shown(page, 'main:has-text("There is none yet.")');
	await page.getByLabel("Signed recipe (.img)").setInputFiles(made.unsigned);
	await press(page, "Bring in");
	await shown(page, ".notice");
	await says(page.locator(".notice"), "was refused.", "Have it signed");
	await axeHolds(page);
	equal(page.errors.splice(0).length, 1, "the browser's own line about the refusal");
	await page.getByLabel("Signed recipe (.img)").setInputFiles(made.signed);
	await press(page, "Bring in");
	await page.waitForURL(/recipes\/[0-9a-f]{64}/, { timeout: LIMIT_MS });
	await shown(page, ".life li[aria-current]:has-text('draft')");
	for (const [who, state] of [["anna", "draft"], ["ben", "approved"]]) {
		await page.getByLabel("Who says so").fill(who);
		await press(page, "Approve");
		await shown(page, `.findings li:has-text("by ${who}.")`);
		await shown(page, `.life li[aria-current]:has-text("${state}")`);
	}
	await page.getByLabel("Who says so").fill("carl");
	await press(page, "Activate");
	await shown(page, '.life li[aria-current]:has-text("active")');
	await press(page, "Look into ROMFS0");
	await shown(page, ".tree tbody tr");
	await says(page.locator(".tree"), "main.py", "lib/a.py");
	await says(page.locator("main"), "app 1.0.0", "openmv-n6", "by carl", "any time", "(release)");
	await shows(page, "recipe");
	equal(page.errors, [], "the page's errors");
});

test("a batch is opened on the screen; pressed twice it is one; its report reconciles and carries the checkpoint", async () => {
	await page.getByRole("link", { name: "Batches", exact: true }).click();
	await page.getByLabel("Order", { exact: true }).fill("WO-77");
	await page.getByLabel("Quantity").fill("3");
	const list = page.getByLabel("Its units' serials");
	const open = page.getByRole("button", { name: "Open", exact: true });
	await list.fill("CAM-1\nCAM-2\n\nCAM-1\n");
	await shown(page, '[role=status]:has-text("CAM-1 stands there twice.")');
	await list.fill("CAM-1\nCAM-2");
	await shown(page, '[role=status]:has-text("2 serials for 3 units: 1 too few.")');
	equal(await open.isDisabled(), true, "opening without enough serials");
	await page.getByLabel("or from a file").setInputFiles({ name: "list.txt", mimeType: "text/plain", buffer: Buffer.from("CAM-1\r\nCAM-2\r\n\r\nCAM-3\r\nCAM-4\r\n") });
	await shown(page, '[role=status]:has-text("4 serials, CAM-1 to CAM-4: 1 to spare.")');
	await shows(page, "batches");
	await press(page, "Open");
	await page.waitForURL(/batches\/\d+/, { timeout: LIMIT_MS });
	await says(page.locator(".report"), "Order WO-77", "open", "Ordered 3", "Missing 3", "Serials listed 4: 0 given, 4 left");
	made = { ...made, ...(await line.cameras_come("camera=2 at=upload partition=ROMFS0 block=17 times=100 do=flip:5.3")) };
	await line.wait_slot(2, ["failed"]);
	for (const n of [1, 3]) await line.wait_slot(n, ["passed"]);
	page = await openPage(`${made.url}/batches`);
	await page.getByRole("link", { name: "WO-77", exact: true }).first().click();
	await shown(page, '.report tr:has(th:text-is("Passed")) td:text-is("2")');
	await says(page.locator(".report"), "Ordered 3", "Missing 1", "1 units: 1 FAIL, 0 other", "flash-mismatch FAIL 1", "4: 2 given, 2 left", "Listed serials that no unit has", "First-pass yield 66.7 % (95 %: 20.8 % to 93.9 %)");
	await press(page.locator(".report"), "Close batch WO-77");
	await page.waitForTimeout(400); // longer than a bounce
	await page.locator(".report .order.danger").click();
	await shown(page, '.report h2:has-text("closed")');
	await shown(page, ".signed");
	await says(page.locator(".signed"), "romline.checkpoint.1 test", "signature", "public key");
	await shows(page, "batch-report");
	await page.emulateMedia({ media: "print" });
	equal(await page.locator(".top, .report > .orders").evaluateAll((all) => all.filter((e) => e.getClientRects().length).length), 0, "what paper has no use for");
	await shoot(page, "batch-report-print");
	await page.emulateMedia({ media: "screen" });
	equal(page.errors, [], "the page's errors");
});

test("one box finds serials, UIDs, orders; a unit's record, its log, its proof and exports can be taken away", async () => {
	const [unit] = (await line.slots()).map((s) => s.uid);
	await line.rest(`/units/${unit}/serial`, { serial: "SN-42" }, "POST");
	const find = async (text) => {
		await page.getByRole("searchbox").fill(text);
		await page.getByRole("searchbox").press("Enter");
	};
	await find("WO-77");
	await page.waitForURL(/batches\/\d+/, { timeout: LIMIT_MS });
	await find("SN-42");
	await page.waitForURL(new RegExp(`units/${unit}`), { timeout: LIMIT_MS });
	await shown(page, ".attempt");
	await says(page.locator(".unit-page"), "Unit SN-42", "app 1.0.0", "Signed by", "CRC-32 wanted", "= equal");
	const log = await takeFile(page, "Log of this unit as text");
	truth(log.includes("Unit with the serial SN-42") && log.includes(": equal"), log);
	const id = (await page.locator(".attempt h2").first().innerText()).replace("Attempt ", "");
	const proof = JSON.parse(await takeFile(page, `Proof of attempt ${id}`));
	equal([proof.format, proof.attempt], ["romline.proof.1", id]);
	await shows(page, "unit-record");
	await find("SN-");
	await page.waitForURL(new RegExp(`units/${unit}`), { timeout: LIMIT_MS });
	await find("nobody");
	await shown(page, '.block:has(h2:text-is("nobody")) .said');
	await axeHolds(page);
	await page.getByRole("link", { name: "Units", exact: true }).click();
	await shown(page, ".records tbody tr");
	await page.getByLabel("Verdict").selectOption("FAIL");
	await press(page, "Show");
	await page.waitForURL(/verdict=FAIL/, { timeout: LIMIT_MS });
	await page.waitForFunction(() => document.querySelectorAll(".records tbody tr").length === 1, null, { timeout: LIMIT_MS });
	equal(JSON.parse(await takeFile(page, "All of these as JSON")).map((a) => a.verdict), ["FAIL"]);
	truth((await takeFile(page, "All of these as CSV")).startsWith("id,uid,serial,"), "CSV");
	await shows(page, "attempts");
	equal(page.errors, [], "the page's errors");
});

test("the station's health: journal, disk, clock, versions, the log's end; a tablet and 200 %", async () => {
	await page.getByRole("link", { name: "Station", exact: true }).click();
	await shown(page, ".log");
	await says(page.locator("main"), "Disk free", "Last checkpoint", "rows", "stationd", "sqlite", "There is none.", "http: listening on");
	await shows(page, "station");
	for (const [width, height] of [[1024, 768], [960, 540]])
		for (const [at, mark] of [["/station", ".log"], ["/recipes", "tbody tr"], ["/batches", "tbody tr"], ["/units", ".records"]]) {
			const small = await openPage(made.url + at, { width, height });
			await shown(small, mark);
			await shows(small, `${at.slice(1)}-${width}`, { axe: width === 960 });
			await small.context().close();
		}
	await page.context().close();
	await line.end();
});

await main();
