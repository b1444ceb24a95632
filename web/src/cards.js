// What cards mean.  Each does one thing and says what it did in one sentence, or is refused with a code.
//
//   OP:BADGE                                                      logs in as that person
//   CMD:RETRY 3   CMD:ABORT 3   CMD:ENABLE 3   CMD:DISABLE 3      a slot; without a number the one whose label was scanned
//   CMD:ACK       CMD:ACK 3     CMD:LINE       CMD:MUTE  CMD:UNMUTE  CMD:LOGOUT
//   CMD:HOLD      CMD:RESUME    CMD:CLOSE                         the open batch; of several the one of CMD:HOLD ORDER
//   CMD:SHIFT START             CMD:SHIFT END
//   BT:ORDER;RECIPE;VERSION;QUANTITY   opens a batch; scanned again it is the same one
//   BT:ORDER                           shows it
//   CH:RECIPE;VERSION                  shows the challenge unit in the slot whose label was scanned; no other camera is touched
//   SL:3                               a slot's label
//   SN:SERIAL, or what is no card      on the line of a station that takes serials by scanner: for the slot whose label
//                                      was scanned, for the one that waits for a serial, or for the next camera;
//                                      anywhere else it finds a unit
//
// What cannot be taken back wants its card twice.
import { get, post } from "./api.js";
import { acknowledge } from "./latch.js";
import { batches, numbers, shift as shiftNow, slotOf, station } from "./live.js";
import { point, takePointed } from "./picked.js";
import { goTo, path } from "./place.js";
import { logIn, logOut } from "./session.js";
import { mute } from "./sounds.js";
import { ended, isBusy, listed, lookOf } from "./words.js";

// code: what is said of it, and what to do now
const REFUSALS = {
	"card-unknown": [(word) => `There is no command ${word}.`, "Scan another card."],
	"card-slot": [(verb) => `${verb} needs a slot's number.`, "Scan the slot's label first, or the card of that slot."],
	"card-no-slot": [(number) => `There is no slot ${number}.`, "Scan the label of a slot of this line."],
	"card-no-batch": [() => "No batch is open.", "Scan a batch card first."],
	"card-which-batch": [(orders) => `Several batches are open: ${orders}.`, "Do it on the screen Batches."],
	"card-which-slot": [(slots) => `Slots ${slots} wait for a serial.`, "Scan the label of one of them, then the serial."],
	"card-recipe": [(name) => `No recipe in use is ${name}.`, "Call a supervisor."],
	"card-recipes": [(name) => `Several recipes in use are ${name}.`, "Open the batch on the screen Batches."],
	"card-challenge": [() => "No challenge is under way.", "Scan the card that starts the shift; an open shift needs none."],
	"card-quantity": [() => "The card has no quantity.", "Print it anew."],
	"card-nothing": [() => "Nothing waits to be acknowledged.", "Go on."],
};

class Refused extends Error {
	constructor(code, of) {
		super(REFUSALS[code][0](of));
		this.code = code;
		this.action = REFUSALS[code][1];
	}
}

// --- what wants its card twice

const AGAIN_MS = 15000;
let wanted = { text: "", until: 0 };

function isSure(text) {
	const sure = wanted.text === text && performance.now() < wanted.until;
	wanted = sure ? { text: "", until: 0 } : { text, until: performance.now() + AGAIN_MS };
	return sure;
}

// --- slots

function slotIn(words, verb) {
	const pointed = takePointed();
	if (!words && pointed) return pointed;
	if (!/^[1-9]\d{0,3}$/.test(words)) throw new Refused("card-slot", verb);
	if (!numbers.value.includes(Number(words))) throw new Refused("card-no-slot", words);
	return Number(words);
}

const slotVerb = (verb, done, sure) => async (words) => {
	const number = slotIn(words, verb.toUpperCase());
	if (sure && !isSure(`${verb} ${number}`)) return `Slot ${number}: scan the card once more to stop it.`;
	await post(`/slots/${number}/${verb}`);
	return `Slot ${number} ${done}.`;
};

async function label(words) {
	const number = slotIn(words.trim(), "A label");
	const slot = slotOf(number).value;
	const serial = pending();
	if (serial) {
		await give(number, serial);
		await post("/scan", { serial: null });
		return bound(number, serial);
	}
	point(number);
	if (scansSerials()) return `Slot ${number}: now scan its serial.`;
	return `Slot ${number}: ${lookOf(slot).word}. ${isBusy(slot) ? "" : ended(slot.action)}`.trim();
}

// --- serials

const scansSerials = () => station.value?.numbers?.serial === "scan" && path.value === "/";
const bound = (number, serial) => `Slot ${number} gets the serial ${serial}.`;
let given = { serial: "", until: 0 }; // for the next camera

// One that no camera has taken yet.
function pending() {
	const slots = numbers.value.map((n) => slotOf(n).value);
	if (performance.now() > given.until || slots.some((s) => s.scanned === given.serial || s.serial === given.serial)) return "";
	return given.serial;
}

async function give(number, serial) {
	await post(`/slots/${number}/serial`, { serial });
	given.until = 0;
}

async function takeSerial(serial) {
	const asks = ({ state, code }) => state === "asking" && (code === "serial-missing" || code === "serial-not-listed");
	const waits = numbers.value.filter((n) => asks(slotOf(n).value));
	const number = takePointed() || (waits.length === 1 ? waits[0] : 0);
	if (number) {
		await give(number, serial);
		return bound(number, serial);
	}
	if (waits.length) throw new Refused("card-which-slot", listed(waits));
	const { seconds } = await post("/scan", { serial });
	given = { serial, until: performance.now() + seconds * 1000 };
	return `Serial ${serial}: plug the camera in within ${seconds} s, or scan a slot's label.`;
}

async function find(text) {
	goTo(`/units?q=${encodeURIComponent(text)}`);
	return `Looking for ${text}.`;
}

const serial = (text) => (scansSerials() ? takeSerial(text.trim()) : find(text.trim()));

// --- batches

function theBatch(order) {
	const open = batches.value.filter((b) => !order || b.order === order);
	if (!open.length) throw new Refused("card-no-batch");
	if (open.length > 1) throw new Refused("card-which-batch", open.map((b) => b.order).join(", "));
	return open[0];
}

const batchVerb = (verb, done, sure) => async (order) => {
	const batch = theBatch(order);
	if (sure && !isSure(`${verb} ${batch.id}`)) return `Order ${batch.order}: scan the card once more to ${verb} it.`;
	await post(`/batches/${batch.id}/${verb}`);
	return `Order ${batch.order} ${done}.`;
};

// The SHA-256 of exactly one recipe, or a refusal.
async function theRecipe(name, version) {
	const { items } = await get("/recipes?limit=1000");
	const fits = items.filter((r) => r.name === name && r.version === version && !r.revoked && r.state === "active");
	if (fits.length !== 1) throw new Refused(fits.length ? "card-recipes" : "card-recipe", `${name} ${version}`);
	return fits[0].sha256;
}

async function openBatch(card) {
	const [order, name, version, quantity] = card.split(";").map((part) => part.trim());
	if (!name) return find(order);
	const recipe = await theRecipe(name, version);
	if (!/^[1-9]\d{0,7}$/.test(quantity ?? "")) throw new Refused("card-quantity");
	const key = `card-${[...new TextEncoder().encode(card)].map((b) => b.toString(16)).join("")}`.slice(0, 128);
	await post("/batches", { order, recipe, quantity: Number(quantity) }, { "Idempotency-Key": key });
	return `Order ${order} is open: ${quantity} of ${name} ${version}.`;
}

// The station looks who is in the slot before it erases anything.
async function showUnit(card) {
	if (shiftNow.value?.state !== "challenge") throw new Refused("card-challenge");
	const [name, version] = card.split(";").map((part) => part.trim());
	const number = slotIn("", "A challenge card");
	await post(`/slots/${number}/deploy`, { recipe: await theRecipe(name, version), challenge: true });
	return `Slot ${number} shows its unit with ${name} ${version}.`;
}

// --- people, shift, the screen itself

async function badge(text) {
	const { name, role } = await logIn({ badge: text });
	return `${name} works here now, as ${role}.`;
}

async function leave() {
	await logOut();
	return "Logged out.";
}

async function shift(word) {
	const verb = { START: "start", END: "end" }[word.toUpperCase()];
	if (!verb) throw new Refused("card-unknown", `SHIFT ${word}`.trim());
	const { state } = await post(`/shift/${verb}`);
	return verb === "end" ? "The shift is over." : state === "open" ? "The shift is open." : "The shift begins: show the challenge units.";
}

async function seen(words) {
	if (!acknowledge(words ? slotIn(words, "ACK") : 0)) throw new Refused("card-nothing");
	return words ? `Slot ${words} is acknowledged.` : "Acknowledged.";
}

const COMMANDS = {
	RETRY: slotVerb("retry", "starts again"), ABORT: slotVerb("abort", "is stopped", true),
	ENABLE: slotVerb("enable", "takes cameras"), DISABLE: slotVerb("disable", "takes no camera"),
	HOLD: batchVerb("hold", "is held"), RESUME: batchVerb("resume", "goes on"), CLOSE: batchVerb("close", "is closed", true),
	LINE: async () => (goTo("/"), "This is the line."),
	MUTE: async () => (mute(true), "The sound is off."),
	UNMUTE: async () => (mute(false), "The sound is on."),
	ACK: seen, LOGOUT: leave, SHIFT: shift,
};

async function command(text) {
	const [verb, ...words] = text.trim().split(/\s+/);
	const run = COMMANDS[verb.toUpperCase()];
	if (!run) throw new Refused("card-unknown", verb);
	return run(words.join(" "));
}

const GRAMMAR = [["OP:", badge], ["CMD:", command], ["BT:", openBatch], ["CH:", showUnit], ["SL:", label], ["SN:", serial]];

export const isCard = (text) => GRAMMAR.some(([start]) => text.toUpperCase().startsWith(start));

// The sentence; throws what refuses it.
export function run(text) {
	const [start, does] = GRAMMAR.find(([prefix]) => text.toUpperCase().startsWith(prefix)) ?? ["", serial];
	return does(text.slice(start.length));
}

// A badge is nobody's to read.
export const nameOf = (text) => (text.toUpperCase().startsWith("OP:") ? "OP:…" : text.slice(0, 60));
