// A scanner is a keyboard that types very fast and ends with Enter or Tab.  What its keys mean is read by layout.js; it is
// a card (cards.js); what is not understood is said and heard, never passed over.
import { isCard, nameOf, run } from "./cards.js";
import { keyOf, known, read, taught, typedBy } from "./layout.js";
import { refresh, stale } from "./live.js";
import { needed } from "./session.js";
import { refuse, tell } from "./told.js";
import { bare } from "./words.js";

const GAP_MS = 50; // between two characters; people are slower
const LEAST = 4; // characters that make a scan
const MOST = 512;
const TWICE_MS = 700; // a trigger that is held reads a code twice

let last = { text: "", at: -TWICE_MS };

export async function scanned(text) {
	const now = performance.now();
	const twice = last.text === text && now - last.at < TWICE_MS;
	last = { text, at: now };
	if (twice) return;
	try {
		if (stale.value && !needed.value) throw Object.assign(new Error("The station does not answer."), { code: "no-answer", action: "Wait for the connection." });
		tell(await run(text));
	} catch (refusal) {
		refuse(`The card ${nameOf(text)}`, refusal);
	}
	refresh();
}

// --- keys

let keys = [];
let at = 0;
let before = ""; // what stood in the field when they began

const field = (event) => (event.target instanceof HTMLElement && event.target.matches("input, textarea, select") ? event.target : null);

function put(into, text) {
	into.value = text;
	into.dispatchEvent(new Event("input", { bubbles: true }));
}

const refuseScan = (refusal) => refuse("What was scanned", refusal);

// The layout card is one anywhere.
function lesson(scan) {
	try {
		const said = taught(scan);
		if (said) tell(said);
		return Boolean(said);
	} catch (refusal) {
		refuseScan(refusal);
		return true;
	}
}

function readOf(scan) {
	try {
		return { text: bare(read(scan)) };
	} catch (refusal) {
		return { refusal };
	}
}

// In a field the characters are the field's, put right where the scanner is known; only what is a card is taken out of it
// again.  A field for a scanner (data-scan) takes nothing that is in doubt; one of data-scan="cards" keeps cards, too.  Is
// the key that ends it to be kept from the field?
function scanIn(into, scan) {
	const { text, refusal } = readOf(scan);
	const isFor = "scan" in into.dataset;
	if (refusal ? isFor || refusal.card : into.dataset.scan !== "cards" && isCard(text)) {
		put(into, before);
		if (refusal) refuseScan(refusal);
		else scanned(text);
		return true;
	}
	if (text !== undefined && (known.value || isFor) && text !== bare(typedBy(scan))) put(into, before + text);
	return false;
}

function scanAnywhere(scan) {
	const { text, refusal } = readOf(scan);
	if (refusal) refuseScan(refusal);
	else if (text.length >= LEAST) scanned(text);
}

function ends(event) {
	const scan = keys;
	const into = field(event);
	keys = [];
	if (scan.length < LEAST) return;
	let taken = true;
	if (lesson(scan)) into && put(into, before);
	else if (into) taken = scanIn(into, scan);
	else scanAnywhere(scan);
	if (!taken) return;
	event.preventDefault();
	event.stopPropagation();
}

function key(event) {
	const now = event.timeStamp; // when it was typed, however busy this page is
	const typed = keyOf(event);
	if (typed && (now - at > GAP_MS || !keys.length)) {
		keys = [];
		before = field(event)?.value ?? "";
	}
	if (typed) {
		at = now;
		keys = [...keys, typed].slice(-MOST);
	} else if (event.key === "Enter" || event.key === "Tab") {
		if (now - at > GAP_MS) keys = [];
		ends(event);
	}
}

export const listenToScanner = () => addEventListener("keydown", key, { capture: true });
