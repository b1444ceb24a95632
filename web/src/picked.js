// The slot that a person pointed at, by a press or by its label's code.
import { signal } from "@preact/signals";

const POINTED_MS = 30000; // so long a label that was scanned stands for its slot, and for one card

export const picked = signal(0); // its number; 0: none
let timer = 0; // runs while a label stands for its slot

export function pick(number) {
	clearTimeout(timer);
	timer = 0;
	picked.value = number;
}

export function point(number) {
	pick(number);
	timer = setTimeout(() => pick(0), POINTED_MS);
}

// The slot whose label was just scanned, for one use; 0: none.
export function takePointed() {
	const number = timer ? picked.value : 0;
	if (number) pick(0);
	return number;
}
