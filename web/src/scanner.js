// A scanner is a keyboard that types very fast and ends with Enter or Tab.  What it types is an order; what is not
// understood is said and heard, never passed over.  Cards:
//
//   CMD:RETRY 3   CMD:ABORT 3   CMD:ENABLE 3   CMD:DISABLE 3      a slot
//   CMD:ACK       CMD:ACK 3     CMD:LINE       CMD:MUTE  CMD:UNMUTE
//   CMD:HOLD      CMD:RESUME    CMD:CLOSE                         the one open batch
//   BT:ORDER;RECIPE;VERSION;QUANTITY   opens a batch; scanned again it is the same one
//   BT:ORDER                           shows it
//   SN:SERIAL, or anything else that is no card                   finds a unit
import { get, post } from "./api.js";
import { acknowledge } from "./latch.js";
import { batches, refresh, stale } from "./live.js";
import { notice } from "./orders.js";
import { goTo } from "./place.js";
import { mute, sound } from "./sounds.js";

const GAP_MS = 50; // between two characters; people are slower
const LEAST = 4; // characters that make a scan
const MOST = 512;

class Card extends Error {
	constructor(text, action) {
		super(text);
		this.action = action;
	}
}

const slotVerb = (verb) => async (words) => {
	if (!/^[1-9]\d{0,3}$/.test(words)) throw new Card(`${verb} needs a slot's number.`, "Scan another card.");
	await post(`/slots/${words}/${verb}`);
};

const batchVerb = (verb) => async () => {
	const open = batches.value;
	if (open.length !== 1) throw new Card(open.length ? "Several batches are open." : "No batch is open.", "Do it on the screen Batches.");
	await post(`/batches/${open[0].id}/${verb}`);
};

const COMMANDS = {
	RETRY: slotVerb("retry"), ABORT: slotVerb("abort"), ENABLE: slotVerb("enable"), DISABLE: slotVerb("disable"),
	HOLD: batchVerb("hold"), RESUME: batchVerb("resume"), CLOSE: batchVerb("close"),
	LINE: async () => goTo("/"),
	MUTE: async () => mute(true),
	UNMUTE: async () => mute(false),
	ACK: async (words) => {
		if (!acknowledge(Number(words) || 0)) throw new Card("Nothing waits to be acknowledged.", "Go on.");
	},
};

async function command(text) {
	const [verb, ...words] = text.trim().split(/\s+/);
	const run = COMMANDS[verb.toUpperCase()];
	if (!run) throw new Card(`There is no command ${verb}.`, "Scan another card.");
	await run(words.join(" "));
}

// Exactly one recipe, or a refusal.
async function openBatch(card) {
	const [order, name, version, quantity] = card.split(";").map((part) => part.trim());
	if (!name) return goTo(`/units?q=${encodeURIComponent(order)}`);
	const { items } = await get("/recipes?limit=1000");
	const fits = items.filter((r) => r.name === name && r.version === version && !r.revoked && r.state === "active");
	if (fits.length !== 1) throw new Card(`${fits.length || "No"} recipe${fits.length > 1 ? "s" : ""} in use ${fits.length > 1 ? "are" : "is"} ${name} ${version}.`, "Call a supervisor.");
	if (!/^[1-9]\d{0,7}$/.test(quantity ?? "")) throw new Card("The card has no quantity.", "Print it anew.");
	const key = `card-${[...new TextEncoder().encode(card)].map((b) => b.toString(16)).join("")}`.slice(0, 128);
	await post("/batches", { order, recipe: fits[0].sha256, quantity: Number(quantity) }, { "Idempotency-Key": key });
}

const GRAMMAR = [
	["CMD:", command],
	["BT:", openBatch],
	["SN:", async (serial) => goTo(`/units?q=${encodeURIComponent(serial)}`)],
];

export async function scanned(text) {
	const [prefix, run] = GRAMMAR.find(([start]) => text.toUpperCase().startsWith(start)) ?? ["", async (all) => goTo(`/units?q=${encodeURIComponent(all)}`)];
	try {
		if (stale.value) throw new Card("The station does not answer.", "Wait for the connection.");
		await run(text.slice(prefix.length));
		notice.value = null;
	} catch (refusal) {
		sound("buzz");
		notice.value = { title: `The card ${text.slice(0, 60)}`, text: refusal.message, action: refusal.action ?? "Call engineering." };
	}
	refresh();
}

// --- characters

let typed = "";
let at = 0;

function fieldHas(event) {
	return event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
}

// In a field the characters are the field's; only a burst that ends there as a card is taken out of it again.
function key(event) {
	if (event.ctrlKey || event.altKey || event.metaKey) return;
	const now = event.timeStamp; // when it was typed, however busy this page is
	if (now - at > GAP_MS) typed = "";
	at = now;
	if (event.key.length === 1) {
		typed = (typed + event.key).slice(-MOST);
		return;
	}
	if (event.key !== "Enter" && event.key !== "Tab") return;
	const text = typed.trim();
	typed = "";
	if (text.length < LEAST || (fieldHas(event) && !GRAMMAR.some(([start]) => text.toUpperCase().startsWith(start)))) return;
	event.preventDefault();
	event.stopPropagation();
	if (fieldHas(event)) event.target.value = event.target.value.endsWith(text) ? event.target.value.slice(0, -text.length) : event.target.value;
	scanned(text);
}

export const listenToScanner = () => addEventListener("keydown", key, { capture: true });
