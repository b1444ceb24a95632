// What a scanner typed.  It presses keys as on a keyboard of its own, mostly a US one, and the computer reads them by the
// layout that it is set to: on a German one "SL:3" arrives as "SLÖ3".
//
// Each scan has two readings: the characters as they arrived, and those that the keys' places have on a US keyboard.
// Where both are the same there is no question.  Where one alone is a card, the scan itself proves which is right.
// Everywhere else nothing is guessed, since a serial that is read wrongly is another unit's: the layout card is wanted.
// It is every character in use, twice over, so that it is known by its repetition whatever arrives, and teaches this
// browser what each key of the scanner means: a US scanner on a German computer, a French one on a French computer, all
// alike.  A person's keys are never touched: only what comes as fast as no person types.
import { signal } from "@preact/signals";
import { isCard } from "./cards.js";

// No characters that some keyboards type with two keys.
const SET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz0123456789-_.:;/+=,*$%#@&()!?<>|";
export const LAYOUT_CARD = SET + SET;
const KIND_KEYS = 3; // in front of it, where the scanner tells which kind of code it was

const PLACE = "romline.scanner";
const ID_MAX = 40;

// code -> what a US keyboard types, plain and with Shift
const US = {
	Backquote: "`~", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"",
	Comma: ",<", Period: ".>", Slash: "/?", Space: "  ",
	NumpadAdd: "++", NumpadSubtract: "--", NumpadMultiply: "**", NumpadDivide: "//", NumpadDecimal: "..",
};
[..."1!2@3#4$5%6^7&8*9(0)"].forEach((c, i, all) => i % 2 || (US[`Digit${c}`] = c + all[i + 1]));
for (const c of "0123456789") US[`Numpad${c}`] = c + c;
for (const c of "abcdefghijklmnopqrstuvwxyz") US[`Key${c.toUpperCase()}`] = c + c.toUpperCase();

const REFUSALS = {
	"layout-unknown": ["This computer's keyboard and the scanner's do not agree on what it reads.", "Scan the layout card once at this screen (Station, Cards), then this again."],
	"layout-other": ["This scanner types otherwise than the one whose layout card was scanned here.", "Scan the layout card with this scanner, then this again."],
	"layout-gap": ["It has a character that the layout card does not have.", "Print the code with other characters, or set the computer's keyboard to US English."],
	"layout-alike": ["The scanner types different characters alike.", "Set it to a keyboard's capital and small letters as they are."],
	"layout-caps": ["Caps Lock is on, which changes letters that are scanned.", "Press Caps Lock on the keyboard, then scan again."],
};
const refusal = (code) => Object.assign(new Error(REFUSALS[code][0]), { code, action: REFUSALS[code][1] });

// --- keys

const SILENT = ["Dead", "Process", "Unidentified"]; // a key that types, though not by itself

// One key of a scan; null: none that types.
export function keyOf(event) {
	const altGraph = event.getModifierState("AltGraph");
	if ((event.ctrlKey || event.altKey || event.metaKey) && !altGraph) return null;
	const types = event.key.length === 1;
	const us = altGraph ? undefined : US[event.code]?.[event.shiftKey ? 1 : 0];
	if (!types && !SILENT.includes(event.key) && !(us && event.code.startsWith("Numpad"))) return null;
	return {
		id: event.code ? event.code + (event.shiftKey ? "+" : "") + (altGraph ? "^" : "") : `=${event.key}`,
		typed: types ? event.key : undefined, us, caps: event.getModifierState("CapsLock"),
	};
}

// undefined: one of them has none
function joined(keys, of) {
	const all = keys.map(of);
	return all.includes(undefined) ? undefined : all.join("");
}
export const typedBy = (keys) => keys.map((key) => key.typed ?? "").join("");

// --- what the layout card taught

function remembered() {
	try {
		const pairs = JSON.parse(localStorage.getItem(PLACE));
		const sound = pairs.length === SET.length && pairs.every(([id, c], i) => typeof id === "string" && id.length <= ID_MAX && c === SET[i]);
		return sound ? new Map(pairs) : null;
	} catch {
		return null; // nothing is kept here, or nothing that we kept
	}
}
export const known = signal(remembered());

export function forget() {
	known.value = null;
	try {
		localStorage.removeItem(PLACE);
	} catch {
		// then it was not kept either
	}
}

// The layout card's keys, without what stands before them; null: it is another card.
function ofLayoutCard(keys) {
	const all = keys.length === LAYOUT_CARD.length + KIND_KEYS ? keys.slice(KIND_KEYS) : keys;
	const fits = all.length === LAYOUT_CARD.length && all.every((key, i) => key.id === all[(i + SET.length) % all.length].id);
	return fits ? all.slice(0, SET.length) : null;
}

function learn(keys) {
	const map = new Map(keys.map(({ id }, i) => [id, SET[i]]));
	if (keys.some((key) => key.caps)) throw refusal("layout-caps");
	if (map.size < SET.length) throw refusal("layout-alike");
	known.value = map;
	try {
		localStorage.setItem(PLACE, JSON.stringify([...map]));
	} catch {
		// it is known until the page is loaded anew
	}
	const wrong = keys.filter((key, i) => key.typed !== SET[i]).length;
	return wrong ? `This screen knows its scanner now: ${wrong} characters that arrive as others are put right.` : "What this scanner types arrives as it is.";
}

// The sentence, where these are the keys of the layout card; else null.
export function taught(keys) {
	const card = ofLayoutCard(keys);
	return card && learn(card);
}

// --- reading

function readKnown(keys, typed, us) {
	const text = joined(keys, (key) => known.value.get(key.id));
	if (text === undefined && typed !== undefined && typed === us) return typed;
	if (text === undefined) throw refusal("layout-gap");
	if (!isCard(text) && [typed, us].some((other) => other && isCard(other))) throw refusal("layout-other");
	return text;
}

function readAnew(typed, us) {
	if (typed !== undefined && (us === undefined || us === typed)) return typed;
	const [a, b] = [typed, us].map((text) => text !== undefined && isCard(text));
	if (a === b) throw refusal("layout-unknown");
	return a ? typed : us;
}

// The text, or a refusal; its `card` says that one of the readings is a card.
export function read(keys) {
	const typed = joined(keys, (key) => key.typed);
	const us = joined(keys, (key) => key.us);
	try {
		if (keys.some((key) => key.caps) && /[a-z]/i.test(`${typed}`)) throw refusal("layout-caps");
		return known.value ? readKnown(keys, typed, us) : readAnew(typed, us);
	} catch (why) {
		why.card = [typed, us].some((text) => text && isCard(text));
		throw why;
	}
}
