#!/usr/bin/env node
// The page that looks into images, in Chromium in front of a real station: a stored recipe's payload, a plugged camera's
// partition, a file; what is downloaded is what is inside.
import { readFileSync } from "node:fs";
import { axeHolds, equal, main, makeLine, openPage, shoot, test, truth } from "./tools.mjs";

const LIMIT_MS = 60000;
const line = makeLine("images");
const shown = (page, selector) => page.locator(selector).first().waitFor({ timeout: LIMIT_MS });
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");

async function says(locator, ...wanted) {
	const text = await textOf(locator);
	for (const words of wanted) truth(text.includes(words), `"${text}" says "${words}"`);
}

async function download(page, button) {
	const [got] = await Promise.all([page.waitForEvent("download", { timeout: LIMIT_MS }), page.getByRole("button", { name: button, exact: true }).click()]);
	return readFileSync(await got.path());
}

let page;
let made;

test("a stored recipe's payload: its tree, sizes, offsets, alignments and use, its files byte for byte; axe", async () => {
	await line.new({ cameras: 1, speed: "instant" });
	made = await line.bench();
	page = await openPage(`${made.url}/images`);
	await page.getByLabel("Recipe").selectOption({ label: "app 1.0.0 · ROMFS0 · openmv-n6" });
	await page.getByRole("button", { name: "Open", exact: true }).click();
	await shown(page, ".tree tbody tr");
	await says(page.locator(".soundness"), "Sound: the camera's mount driver accepts every record.");
	await says(page.locator(".tree"), "main.py", "lib/", "a.py", "model.tflite", "60,000");
	await says(page.locator(".usage"), "files", "structure and padding", "free");
	equal(await page.locator(".tree tbody tr").count(), made.rows, "rows");
	await shoot(page, "images-recipe");
	await axeHolds(page);
	equal((await download(page, "Download /lib/a.py")).toString(), "x = 1\n", "a file");
	equal((await download(page, "Download the image")).toString("hex") === made.image, true, "the image");
	equal(page.errors, [], "the page's errors");
});

test("a plugged camera's partition, read through its bootloader", async () => {
	await page.getByRole("button", { name: "Read", exact: true }).click();
	await shown(page, '.found:has(h2:text-is("slot 1 · openmv-n6 · ROMFS0"))');
	await says(page.locator(".found"), "Image 4 bytes", "Partition 25,165,824 bytes", "Files 0", "d2 cd 31 00 ff");
	await shoot(page, "images-camera");
	await axeHolds(page);
	await line.control("unplug 1");
	await page.locator('.choice:has-text("plugged camera") .none').waitFor({ timeout: LIMIT_MS });
});

test("a file: held against a board, or refused with the rule that it breaks", async () => {
	const open = async (place, name, bytes) => {
		await page.getByLabel("For the partition").selectOption({ label: place });
		await page.getByLabel("Image", { exact: true }).setInputFiles({ name, mimeType: "application/octet-stream", buffer: bytes });
		await page.getByRole("button", { name: "Look into it", exact: true }).click();
		await shown(page, `.found:has(h2:text-is("${name}"))`);
	};
	await open("openmv-n6 · ROMFS0", "skewed.img", Buffer.from(made.skewed, "hex"));
	await says(page.locator(".found"), "1 file is less aligned than the board wants.", "✕ must be 32");
	await shoot(page, "images-skewed");
	await axeHolds(page);
	await open("not said", "broken.img", Buffer.from(made.image, "hex").subarray(0, 5000));
	await says(page.locator(".found"), "✕ Refused:", "Partition not said");
	equal(await page.locator(".tree").count(), 0, "trees");
	await shoot(page, "images-refused");
	await axeHolds(page);
	equal(page.errors, [], "the page's errors");
	await page.context().close();
});

test("at 200 % and on a tablet nothing is cut to the side", async () => {
	for (const [width, height] of [[960, 540], [1024, 768]]) {
		const at = await openPage(`${made.url}/images`, { width, height });
		await at.getByRole("button", { name: "Open", exact: true }).click();
		await shown(at, ".tree tbody tr");
		equal(await at.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, "the page scrolls to the side");
		await shoot(at, `images-${width}`);
		await axeHolds(at);
		await at.context().close();
	}
});

test("a deploy shows on the slot and in the unit's history", async () => {
	const uid = await line.deployed();
	const at = await openPage(`${made.url}/`);
	await shown(at, '[data-slot="1"] .word:text-is("DEPLOYED")');
	await says(at.locator('[data-slot="1"]'), "Program it in a batch before it ships.");
	await shoot(at, "deployed");
	await axeHolds(at);
	await at.goto(`${made.url}/units/${uid}`);
	await shown(at, ".attempt .kind");
	await says(at.locator(".unit-page"), "Status changed after PASS", "deployed and proved");
	await shoot(at, "deployed-unit");
	await axeHolds(at);
	await at.context().close();
	await line.end();
});

await main();
