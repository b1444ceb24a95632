// The shift: starting and ending it, and the challenge units, which are shown by a deploy.
import { useState } from "preact/hooks";
import { post } from "./api.js";
import { StartShift, Units } from "./challenge.js";
import { html } from "./html.js";
import { numbers, shift, slotOf, stale } from "./live.js";
import { notice, Order } from "./orders.js";
import { Refused, useAnswer, when } from "./records.js";
import { may } from "./session.js";
import { isBusy, lookOf } from "./words.js";

const STATES = {
	off: "○ No challenge is configured: every shift is open.", none: "▲ No shift is open.", challenge: "▶ The challenge is under way.",
	open: "● The shift is open.",
};

const ready = () => numbers.value.map((n) => slotOf(n).value).filter((s) => !s.enabled && s.camera === "bootloader" && !isBusy(s));

function Show() {
	const recipes = useAnswer("/recipes?limit=1000");
	const [busy, setBusy] = useState(false);
	const slots = ready();
	const items = recipes?.body?.items.filter((r) => !r.revoked) ?? [];
	async function send(event) {
		event.preventDefault();
		const { slot, recipe } = Object.fromEntries(new FormData(event.currentTarget));
		setBusy(true);
		try {
			await post(`/slots/${slot}/deploy`, { recipe, challenge: true });
			notice.value = null;
		} catch (refusal) {
			notice.value = { title: `A deploy to slot ${slot}`, text: refusal.message, action: refusal.action, code: refusal.code };
		}
		setBusy(false);
	}
	return html`<h3>Show a unit</h3>
		<p>Disable a slot on the line, put the unit into it in its bootloader, and choose it here; or scan the slot's label and a challenge card. Any other camera is refused and left as it was. What it comes to counts in no batch.</p>
		<form class="filter bare" onSubmit=${send} aria-label="Show a unit">
			<label class="field"><span>Slot</span><select name="slot" required>${slots.map((s) => html`<option key=${s.slot} value=${s.slot}>${s.slot} · ${lookOf(s).word}</option>`)}</select></label>
			<label class="field wide"><span>Recipe</span><select name="recipe" required>${items.map((r) => html`<option key=${r.sha256} value=${r.sha256}>${r.name} ${r.version} · ${r.board}</option>`)}</select></label>
			<button type="submit" class="order" disabled=${busy || stale.value || !slots.length || !items.length}>Deploy</button>
		</form>
		${!slots.length && html`<p class="sum">No camera waits in a disabled slot.</p>`}`;
}

export function Part() {
	const mark = JSON.stringify(shift.value);
	const [asked, ask] = useState(0);
	const found = useAnswer("/shift", `${mark}${asked}`);
	if (!found) return null;
	if (found.refusal) return html`<${Refused} refusal=${found.refusal} />`;
	const { state, shift: of } = found.body;
	return html`<section class="block"><h2>${STATES[state]}</h2>
		${state !== "off" && of && html`<dl class="facts"><div><dt>Started</dt><dd>${when(of.started_at)}${of.started_by ? ` by ${of.started_by}` : ""}</dd></div>
			<div><dt>${of.ended_at ? "Ended" : "Ends"}</dt><dd>${when(of.ended_at ?? of.ends_at)}</dd></div></dl>
			<${Units} units=${of.units} />`}
		<div class="orders">
			${state === "none" && html`<${StartShift} />`}
			${(state === "challenge" || state === "open") && html`<${Order} path="/shift/end" title="End the shift" label="End the shift" sure="End: press again" tone="danger" right="slots" done=${() => ask(asked + 1)} />`}
		</div>
		${state === "challenge" && may("slots") && html`<${Show} />`}
	</section>`;
}
