// What came of the last card: one sentence, a sound, and where it was refused what to do and a code that stays the same.
import { signal } from "@preact/signals";
import { html } from "./html.js";
import { notice } from "./orders.js";
import { Shape } from "./shapes.js";
import { sound } from "./sounds.js";

const SHOWN_MS = 30000; // or until the next card

export const told = signal(null); // { text, tone, shape }

let timer = 0;
function show(what) {
	told.value = what;
	clearTimeout(timer);
	timer = setTimeout(() => (told.value = null), SHOWN_MS);
}

export function tell(text) {
	notice.value = null;
	show({ text, tone: "run", shape: "play" });
	sound("card");
}

export function refuse(title, refusal) {
	notice.value = { title, text: refusal.message, action: refusal.action ?? "Call engineering.", code: refusal.code };
	show({ text: "Refused", tone: "fail", shape: "octagon" });
	sound("buzz");
}

// Beside what to do now, or under the frame of the other screens.
export const Told = () =>
	html`<p class=${told.value ? `told tone-${told.value.tone}` : "unseen"} role="status">
		${told.value && html`<${Shape} name=${told.value.shape} /> ${told.value.text}`}</p>`;
