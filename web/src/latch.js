// What each slot said last: a verdict stays until somebody acknowledges it or the next unit comes, also when the page is
// loaded anew.  Tells the sounds, and the strip what was heard.
import { effect, signal, untracked } from "@preact/signals";
import { getQuietly } from "./api.js";
import { numbers, slotOf } from "./live.js";
import { sound } from "./sounds.js";
import { inTrouble, isBusy, lookOf, verdictShape } from "./words.js";

const SHOWN_MS = 4000;
const TONES = { pass: "pass", fail: "fail", stop: "fail", error: "error" };

export const heardNow = signal(null); // { slot, word, shape, tone }: the newest verdict, for a moment
const acknowledged = signal(new Map()); // slot -> what was acknowledged
const last = signal(new Map()); // slot -> { word, shape, unit }: of the unit that was taken away

const markOf = (slot) => `${slot.attempt} ${slot.state} ${slot.since}`;

export const isAcknowledged = (slot) => acknowledged.value.get(slot.slot) === markOf(slot);
export const lastOf = (number) => last.value.get(number) ?? null;
export const waiting = () => numbers.value.map((n) => slotOf(n)?.value).filter((slot) => slot && inTrouble(slot) && !isAcknowledged(slot));

// All slots, or one: red ones are seen, and what was taken away is forgotten.  False: there was nothing.
export function acknowledge(number) {
	const meant = (slot) => !number || slot === number;
	const red = waiting().filter((slot) => meant(slot.slot));
	const gone = numbers.value.filter((n) => meant(n) && slotOf(n)?.value.state === "empty" && last.value.has(n));
	acknowledged.value = new Map([...acknowledged.value, ...red.map((slot) => [slot.slot, markOf(slot)])]);
	last.value = new Map([...last.value].filter(([n]) => !gone.includes(n)));
	return red.length + gone.length > 0;
}

// What the empty slots' last units came to, from the journal.
async function remember(slots) {
	const empty = slots.filter((slot) => slot.state === "empty").length;
	if (!empty) return;
	const { items } = await getQuietly(`/attempts?limit=${Math.min(200, 3 * empty)}`).catch(() => ({ items: [] }));
	const next = new Map(last.value);
	for (const of of items)
		if (of.ended_at && of.kind === "program" && !next.has(of.slot) && slotOf(of.slot)?.value.state === "empty")
			next.set(of.slot, { word: of.refused ? "REFUSED" : of.verdict, shape: of.refused ? "bar" : verdictShape(of.verdict), unit: of.serial ?? of.uid });
	last.value = next;
}

let timer = 0;
function tell(slot, look) {
	heardNow.value = { slot: slot.slot, word: look.word, shape: look.shape, tone: look.tone };
	sound(TONES[look.tone] ?? "error");
	clearTimeout(timer);
	timer = setTimeout(() => (heardNow.value = null), SHOWN_MS);
}

const seen = new Map(); // slot -> mark of what was told
let begun = false;
effect(() => {
	const slots = numbers.value.map((n) => slotOf(n)?.value).filter(Boolean);
	untracked(() => {
		for (const slot of slots) {
			const look = lookOf(slot);
			const over = slot.state === "passed" || inTrouble(slot);
			if (over && seen.get(slot.slot) !== markOf(slot)) {
				seen.set(slot.slot, markOf(slot));
				if (begun) tell(slot, look);
			}
			const unit = slot.serial ?? slot.uid; // its serial may be told a moment after its verdict
			if (over && (last.value.get(slot.slot)?.unit !== unit || last.value.get(slot.slot).word !== look.word)) {
				last.value = new Map(last.value).set(slot.slot, { word: look.word, shape: look.shape, unit });
			} else if (isBusy(slot) && last.value.has(slot.slot)) {
				const next = new Map(last.value);
				next.delete(slot.slot);
				last.value = next;
			}
		}
		if (!begun && slots.length) remember(slots);
		begun ||= slots.length > 0;
	});
});
