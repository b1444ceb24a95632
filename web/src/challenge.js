// Before a shift is open: the units that must show their verdict first.
import { html } from "./html.js";
import { shift } from "./live.js";
import { Order } from "./orders.js";
import { go } from "./place.js";

const shownText = (u) => (u.met ? "shown" : u.shown_verdict ? `was ${u.shown_verdict} ${u.shown_code}` : "not yet shown");

// Also on the screen of the shift.
export const Units = ({ units }) => html`<ul class="challenge-units">
	${units.map((u) => html`<li key=${u.uid ?? u.serial} class=${u.met ? "met" : ""}><strong>${u.met ? "✓" : "○"}${" "}</strong>
		<span class="unit">${u.serial ?? u.uid}</span> must end <strong>${u.verdict}</strong>${u.code === "ok" ? "" : ` ${u.code}`}: ${shownText(u)}</li>`)}
</ul>`;

export const StartShift = () => html`<${Order} path="/shift/start" title="Start the shift" label="Start the shift" right="slots" />`;

export function Challenge() {
	const now = shift.value;
	if (!now) return null;
	if (now.state === "none")
		return html`<section class="challenge" aria-label="The shift"><p><strong>No shift is open.</strong> Nothing is programmed and no batch opens before.</p><${StartShift} /></section>`;
	const { units } = now.shift;
	return html`<section class="challenge" aria-label="The shift">
		<p><strong>${units.filter((u) => u.met).length} of ${units.length}</strong> challenge units shown. <a href="/station/shift" onClick=${go}>How</a></p>
		<${Units} units=${units} />
	</section>`;
}
