// What each slot said last: a verdict stays until somebody acknowledges it or the next unit comes.  Tells the sounds, and
// the strip what was heard.
import { effect, signal, untracked } from "@preact/signals";
import { numbers, slotOf } from "./live.js";
import { sound } from "./sounds.js";
import { inTrouble, isBusy, lookOf } from "./words.js";

const SHOWN_MS = 4000;
const TONES = { pass: "pass", fail: "fail", stop: "fail", error: "error" };

export const heardNow = signal(null); // { slot, word, shape, tone }: the newest verdict, for a moment
const acknowledged = signal(new Map()); // slot -> what was acknowledged
const last = signal(new Map()); // slot -> { word, shape, unit }: of the unit that was taken away

const markOf = (slot) => `${slot.attempt} ${slot.state} ${slot.since}`;

export const isAcknowledged = (slot) => acknowledged.value.get(slot.slot) === markOf(slot);
export const lastOf = (number) => last.value.get(number) ?? null;
export const waiting = () => numbers.value.map((n) => slotOf(n)?.value).filter((slot) => slot && inTrouble(slot) && !isAcknowledged(slot));

// All red slots, or one.
export function acknowledge(number) {
	const next = new Map(acknowledged.value);
	const before = next.size;
	for (const slot of waiting()) if (!number || slot.slot === number) next.set(slot.slot, markOf(slot));
	const some = next.size !== before || waiting().some((slot) => next.get(slot.slot) === markOf(slot));
	acknowledged.value = next;
	return some;
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
				last.value = new Map(last.value).set(slot.slot, { word: look.word, shape: look.shape, unit: slot.serial ?? slot.uid });
			} else if (isBusy(slot) && last.value.has(slot.slot)) {
				const next = new Map(last.value);
				next.delete(slot.slot);
				last.value = next;
			}
		}
		begun ||= slots.length > 0;
	});
});
