#!/usr/bin/env node
// Logging in and out, the audit, people and tokens, in Chromium in front of a station that wants a login.
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
});

const told = (form, words) => shown(page, `form[aria-label="${form}"] .wrong:has-text("${words}")`);

const KEYS = /^((Shift|Control)\+\w+|Tab|Enter|Home|Space|ArrowDown)$/;
// What a wrong place of the focus would do wrong: every press goes where the focus is.
async function press(...keys) {
	for (const key of keys) await (KEYS.test(key) ? page.keyboard.press(key) : page.keyboard.type(key));
}

test("people: no link and a plain sentence for others; a person is added by keyboard and scanner; refusals at the field", async () => {
	await page.goto(`${url}/station/people`);
	await shown(page, '.said:has-text("Only an administrator sees the people.")');
	equal(await page.locator(".parts a").allInnerTexts(), ["Health", "MES", "Numbers", "Shift", "Cards", "My PIN"], "what qa is shown");
	await page.getByRole("button", { name: "Log out" }).click();
	await shown(page, ".login");
	await page.keyboard.type("badge-of-admin\n");
	await shown(page, ".me");
	await page.getByRole("link", { name: "People", exact: true }).focus();
	await press("Enter");
	await shown(page, 'th:text-is("ad-person")');
	await page.getByLabel("Name", { exact: true }).focus();
	await press("op-person", "Tab", "ArrowDown", "Tab", "CMD:ACK\n", "123", "Tab", "123", "Enter");
	await told("Add a person", "another card than a badge");
	await press("Shift+Tab", "Shift+Tab", "Control+a", "OP:badge-of-new\n");
	equal(await page.evaluate(() => document.activeElement.name), "pin", "where a scanner's Enter leads");
	await press("Tab", "Tab", "Enter");
	await told("Add a person", "pin must have at least 6 characters");
	await axeHolds(page);
	await shoot(page, "people-refused");
	await press("Shift+Tab", "Shift+Tab", "pin-of-new", "Tab", "pin-of-now", "Enter");
	await told("Add a person", "The PIN was typed in two ways.");
	await press("Control+a", "pin-of-new", "Enter");
	await told("Add a person", "op-person is here already");
	await page.getByLabel("Name", { exact: true }).focus();
	await press("Control+a", "new-person", "Enter");
	await shown(page, 'th:text-is("new-person")');
	const { role, badge, pin } = (await line.rest("/people")).items.find((p) => p.name === "new-person");
	equal([role, badge, pin], ["supervisor", true, true], "the new person");
	equal(await page.getByLabel("Add a person").locator("input").evaluateAll((all) => all.map((i) => i.value).join("")), "", "what is left in the form");
	truth((await textOf(page.locator(".me"))).startsWith("ad-person"), "a badge that is set logs nobody in");
	await axeHolds(page);
});

test("people: role, badge, PIN, removal by two presses; the last administrator stays", async () => {
	await page.getByRole("button", { name: "Change new-person" }).focus();
	await press("Enter");
	await shown(page, 'section[aria-label="Change new-person"]');
	await page.getByRole("form", { name: "Role" }).getByLabel("Role").focus();
	await press("ArrowDown", "Tab", "Enter");
	await shown(page, 'h2:text-is("new-person, qa")');
	await page.getByRole("button", { name: "Take the PIN away" }).focus();
	await press("Enter");
	await page.waitForTimeout(400);
	await press("Enter");
	await shown(page, 'tr:has(th:text-is("new-person")) td:text-is("– none")');
	await page.setViewportSize({ width: 1920, height: 1080 });
	await shoot(page, "people");
	for (const [width, height] of [[1024, 768], [960, 540]]) {
		await page.setViewportSize({ width, height });
		equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, `the page scrolls to the side at ${width}`);
		await shoot(page, `people-${width}`, { fullPage: true });
	}
	await axeHolds(page);
	await page.getByRole("button", { name: "Remove new-person" }).focus();
	await press("Enter");
	await shown(page, 'button:text-is("Remove new-person: press again")');
	await page.waitForTimeout(400);
	await press("Enter");
	await page.locator('th:text-is("new-person")').waitFor({ state: "detached" });
	await page.getByRole("button", { name: "Change ad-person" }).focus();
	await press("Enter");
	await page.getByRole("form", { name: "Role" }).getByLabel("Role").focus();
	await press("Home", "Tab", "Enter");
	await told("Role", "the last administrator who can log in");
	equal((await line.rest("/people")).items.map((p) => p.role).sort(), ["admin", "integrator", "operator", "qa", "supervisor"], "who is left");
});

test("tokens: made by keyboard, shown once and copied without any permission, revoked; axe", async () => {
	await page.getByRole("link", { name: "Tokens", exact: true }).focus();
	await press("Enter");
	await page.getByLabel("Name: which machine").focus();
	await press("mes", "Enter");
	await told("Make a token", "Choose what it may do");
	await page.getByRole("checkbox", { name: "read look at" }).focus();
	await press("Space", "Tab", "Space", "Enter");
	await shown(page, 'section[aria-label="The new token"]');
	equal(await page.evaluate(() => document.activeElement.textContent), "Copy", "where the focus is");
	const token = await page.getByLabel("Token", { exact: true }).inputValue();
	await press("Enter");
	await shown(page, '[role=status]:has-text("Copied.")');
	await page.getByLabel("Serial or UID").focus();
	await press("Control+v");
	equal(await page.getByLabel("Serial or UID").inputValue(), token, "what was copied");
	await page.getByLabel("Serial or UID").fill("");
	await shoot(page, "tokens", { fullPage: true });
	await axeHolds(page);
	const status = async () => (await fetch(`${url}/api/v1/slots`, { headers: { Authorization: `Bearer ${token}` } })).status;
	equal(await status(), 200, "the token's way in");
	await page.getByRole("button", { name: "I have it: hide it" }).click();
	truth(!(await page.content()).includes(token), "the token is told no more");
	equal((await line.rest("/tokens")).items.map((t) => [t.name, t.scopes]), [["mes", ["read", "work"]]], "the token");
	await page.getByRole("button", { name: "Revoke mes" }).focus();
	await press("Enter");
	await page.waitForTimeout(400);
	await press("Enter");
	await shown(page, 'td:has-text("✕ revoked")');
	equal(await status(), 401, "the token's way in, revoked");
	equal(page.errors.filter((text) => !/status of 40[0139]|INCOMPLETE_CHUNKED/.test(text)), [], "the page's errors");
	await page.context().close();
	await line.end();
});

await main();
