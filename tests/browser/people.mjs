#!/usr/bin/env node
// Logging in and out, and the audit, in Chromium in front of a station that wants a login.
import { axeHolds, equal, main, makeLine, openPage, scan, shoot, test, truth } from "./tools.mjs";

const LIMIT_MS = 60000;
const line = makeLine("people");
const shown = (page, selector) => page.locator(selector).first().waitFor({ timeout: LIMIT_MS });
const textOf = async (locator) => (await locator.innerText()).replace(/\s+/g, " ");

let page;
let url;

test("nobody sees the line before a login; the form takes a scanner's badge; axe", async () => {
	await line.new({ cameras: 2, mode: "run" });
	url = await line.people("[people]\nlogin = required\n");
	page = await openPage(`${url}/`);
	await shown(page, '.login h1:text-is("Log in")');
	equal(await page.locator("[data-slot]").count(), 0, "slots");
	equal(await page.evaluate(() => document.activeElement.name), "badge", "the field that a scanner types into");
	equal(page.errors, [], "the page's errors");
	await shoot(page, "login");
	await axeHolds(page);
	await page.keyboard.type("badge-of-operator\n");
	await shown(page, '[data-slot="1"]');
	truth((await textOf(page.locator(".me"))).startsWith("op-person · operator"), "who is logged in");
	equal(await page.locator('nav a:text-is("Audit")').count(), 0, "an operator's way to the audit");
	await shown(page, '.link:has-text("live")');
	await shoot(page, "logged-in");
	await axeHolds(page);
	const cookies = await page.context().cookies();
	equal(cookies.map((c) => [c.httpOnly, c.sameSite, c.path]), [[true, "Strict", "/"]], "the cookie");
	equal(await page.evaluate(() => document.cookie), "", "what a script sees of it");
	equal(page.errors, [], "the page's errors");
});

test("a refusal says what to do; after the logout nothing is told any more", async () => {
	equal(await page.getByRole("button", { name: "Disable slot 1", exact: true }).count(), 0, "a button that would be refused");
	await scan(page, "CMD:DISABLE 1");
	await shown(page, '.notice:has-text("Ask somebody whose role allows it.")');
	await page.getByRole("button", { name: "Log out" }).click();
	await shown(page, ".login");
	equal(await page.evaluate(async () => (await fetch("/api/v1/slots")).status), 401, "the slots");
	await page.locator("input[name=badge]").fill("somebody else's");
	await page.keyboard.press("Enter");
	await shown(page, '.login .said:has-text("Try again, or ask an administrator")');
	await shoot(page, "login-failed");
	await axeHolds(page);
});

test("the audit: who did what, by filter; axe, and nothing is cut on a tablet", async () => {
	await page.locator("input[name=name]").fill("qa-person");
	await page.locator("input[name=pin]").fill("pin-of-qa");
	await page.keyboard.press("Enter");
	await page.getByRole("link", { name: "Audit" }).click({ timeout: LIMIT_MS });
	await shown(page, ".audit tbody tr");
	const rows = await page.locator(".audit tbody tr").evaluateAll((all) => all.map((r) => r.innerText.replace(/\s+/g, " ")));
	truth(rows[0].includes("qa-person login") && rows[0].includes("127.0.0.1"), rows[0]);
	truth(rows.some((r) => r.includes("login failed")) && rows.some((r) => r.includes("op-person logout")), rows.join("\n"));
	truth(rows.some((r) => r.includes("local person added person ad-person, role admin")), rows.join("\n"));
	await shoot(page, "audit");
	await axeHolds(page);
	await page.getByLabel("Who").fill("op-person");
	await page.getByLabel("What", { exact: true }).fill("login");
	await page.getByRole("button", { name: "Show", exact: true }).click();
	await page.waitForFunction(() => document.querySelectorAll(".audit tbody tr").length === 1, null, { timeout: LIMIT_MS });
	await page.setViewportSize({ width: 1024, height: 768 });
	equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, "the page scrolls to the side");
	await shoot(page, "audit-tablet");
	await axeHolds(page);
	await page.context().close();
	await line.end();
});

await main();
