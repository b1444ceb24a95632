// The label of an attempt that passed: what came of it, and one more with a reason.
import { useState } from "preact/hooks";
import { post } from "./api.js";
import { html } from "./html.js";
import { stale, station } from "./live.js";
import { notice } from "./orders.js";
import { when } from "./records.js";
import { may } from "./session.js";
import { ended } from "./words.js";

function State({ of }) {
	if (!of) return html`<p>▲ No label was printed.</p>`;
	const times = `${of.prints} ${of.prints === 1 ? "label" : "labels"} printed`;
	if (of.code === "ok") return html`<p>✓ ${times}, the last one ${when(of.at)}${of.reason ? `, because: ${of.reason}` : ""}.</p>`;
	return html`<p class="said">✕ The label of ${when(of.at)} failed: ${ended(of.message)} ${times}. <strong>Mend the printer, then print it again.</strong></p>`;
}

// changed: called when one was ordered; it shows a moment later
export function Label({ of, changed }) {
	const [busy, setBusy] = useState(false);
	if (of.verdict !== "PASS" || of.kind !== "program" || (!of.label && !station.value?.labels)) return null;
	async function send(event) {
		event.preventDefault();
		const form = event.currentTarget;
		setBusy(true);
		try {
			await post(`/attempts/${of.id}/label`, { reason: form.elements.reason.value.trim() });
			notice.value = null;
			form.reset();
			changed();
		} catch (refusal) {
			notice.value = { title: `A label of attempt ${of.id}`, text: refusal.message, action: refusal.action, code: refusal.code };
		}
		setBusy(false);
	}
	return html`<section class="label"><h3>Label</h3>
		<${State} of=${of.label} />
		${station.value?.labels && may("work") && html`<form class="filter bare" onSubmit=${send} aria-label=${`Print the label of attempt ${of.id} again`}>
			<label class="field wide"><span>Why once more</span><input name="reason" required maxlength="128" autocomplete="off" /></label>
			<button type="submit" class="order" disabled=${busy || stale.value}>Print again</button>
		</form>`}
	</section>`;
}
