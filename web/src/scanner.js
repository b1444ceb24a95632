// A scanner is a keyboard that types very fast and ends with Enter or Tab.  What it types is a card (cards.js); what is
// not understood is said and heard, never passed over.
import { isCard, nameOf, run } from "./cards.js";
import { refresh, stale } from "./live.js";
import { needed } from "./session.js";
import { refuse, tell } from "./told.js";

const GAP_MS = 50; // between two characters; people are slower
const LEAST = 4; // characters that make a scan
const MOST = 512;
const TWICE_MS = 700; // a trigger that is held reads a code twice
const AIM = /^\][A-Za-z][0-9A-Za-z]/; // which kind of code it was, where the scanner tells that

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

// --- characters

let typed = "";
let at = 0;

// What was typed, without the mark of its kind.
export const bare = (text) => text.trim().replace(AIM, "");

const field = (event) => (event.target instanceof HTMLElement && event.target.matches("input, textarea, select") ? event.target : null);

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
	const raw = typed.trim();
	const text = bare(raw);
	typed = "";
	const into = field(event);
	if (into && "scan" in into.dataset) return; // it is what the field is for
	if (text.length < LEAST || (into && !isCard(text))) return;
	event.preventDefault();
	event.stopPropagation();
	if (into?.value.endsWith(raw)) into.value = into.value.slice(0, -raw.length);
	scanned(text);
}

export const listenToScanner = () => addEventListener("keydown", key, { capture: true });
