// The strip over the slots: what to do now, in one sentence, and the newest verdict for a moment.
import { html } from "./html.js";
import { acknowledge, heardNow, isAcknowledged, waiting } from "./latch.js";
import { batches, loaded, numbers, shift, slotOf, stale, station } from "./live.js";
import { mute, muted } from "./sounds.js";
import { Shape } from "./shapes.js";
import { Told } from "./told.js";
import { inTrouble, isBusy, listed as inWords, lookOf } from "./words.js";

const listed = (slots) => inWords(slots.map((s) => s.slot));
const slotWord = (slots) => (slots.length > 1 ? "slots" : "slot");

// The first rule that holds gives the sentence: what must not be shipped, what holds everything, what is red, what is
// done, what is empty, what runs.
const RULES = [
	() => stale.value && { tone: "stop", text: "No connection: do not rely on this screen." },
	(s) => s.lost.length && { tone: "stop", text: `DO NOT SHIP what is in ${slotWord(s.lost)} ${listed(s.lost)}. ${s.lost[0].action ?? ""}` },
	(s) => s.station?.state === "held" && { tone: "fail", text: `The station is held. ${s.station.action ?? ""}` },
	(s) => s.held && { tone: "fail", text: `Order ${s.held.order} is held. Find out why, then resume it.` },
	(s) => s.red.length && { tone: lookOf(s.red[0]).tone, text: `Slot ${s.red[0].slot}: ${s.red[0].action ?? "call engineering."}${s.red.length > 1 ? ` Then ${slotWord(s.red.slice(1))} ${listed(s.red.slice(1))}.` : ""}`, acknowledge: true },
	(s) => s.shift === "none" && { tone: "idle", text: "No shift is open. A supervisor starts it, by its card or on the screen Station." },
	(s) => s.unmet > 0 && { tone: "idle", text: `Show the challenge units: ${s.unmet} ${s.unmet > 1 ? "are" : "is"} left before a batch opens.` },
	(s) => !s.batches.length && { tone: "idle", text: "Open a batch, or scan a batch card." },
	(s) => s.passed.length && { tone: "pass", text: `Take out ${slotWord(s.passed)} ${listed(s.passed)}: into the good bin.` },
	(s) => s.full && { tone: "idle", text: `Order ${s.full.order} is complete. Close it and open the next one.` },
	(s) => s.empty.length && { tone: "idle", text: `Plug a camera into ${slotWord(s.empty)} ${listed(s.empty)}.` },
	(s) => s.busy.length && { tone: "run", text: `Wait: ${s.busy.length} ${s.busy.length > 1 ? "cameras are" : "camera is"} at work.` },
	(s) => !s.slots.length && { tone: "idle", text: "Plug in the first camera." },
	() => ({ tone: "idle", text: "Nothing to do." }),
];

export function whatToDo() {
	const slots = numbers.value.map((n) => slotOf(n)?.value).filter(Boolean);
	const open = batches.value;
	const state = {
		slots, station: station.value, batches: open, shift: shift.value?.state,
		unmet: shift.value?.state === "challenge" ? shift.value.shift.units.filter((u) => !u.met).length : 0,
		lost: slots.filter((s) => s.state === "unrecorded"),
		red: waiting().filter((s) => s.state !== "unrecorded"),
		passed: slots.filter((s) => s.state === "passed" && s.verdict === "PASS" && s.kind !== "deploy"),
		empty: slots.filter((s) => s.enabled && (s.state === "empty" || (inTrouble(s) && isAcknowledged(s)))),
		busy: slots.filter(isBusy),
		held: open.find((b) => b.state === "held"),
		full: open.find((b) => b.passed >= b.quantity),
	};
	for (const rule of RULES) {
		const said = rule(state);
		if (said) return said;
	}
}

export function Todo() {
	if (!loaded.value) return null;
	const said = whatToDo();
	const heard = heardNow.value;
	return html`<section class=${`todo-strip tone-${said.tone}`} aria-label="What to do now">
		<p class="now" role="status">${said.text}</p>
		${!heard && html`<${Told} />`}
		${heard && html`<p class=${`heard tone-${heard.tone}`} aria-hidden="true"><${Shape} name=${heard.shape} /> ${heard.slot} ${heard.word}</p>`}
		${said.acknowledge && html`<button type="button" class="order quiet" disabled=${stale.value} onClick=${() => acknowledge(0)}>Acknowledge</button>`}
		<button type="button" class="order quiet" aria-pressed=${muted.value} disabled=${stale.value} onClick=${() => mute(!muted.value)}>${muted.value ? "Sound off" : "Sound on"}</button>
	</section>`;
}
