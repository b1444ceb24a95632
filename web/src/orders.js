// What a person tells the station: one order at a time, a second press for what cannot be taken back, and its refusal
// as a sentence with what to do.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "./api.js";
import { html } from "./html.js";
import { refresh, stale } from "./live.js";
import { may } from "./session.js";
import { ended } from "./words.js";

const ARMED_MS = 8000;
const BOUNCE_MS = 350; // a second press so soon is the same press

export const notice = signal(null); // { title, text, action, code }

async function order(path, title, body) {
	try {
		await post(path, body);
		notice.value = null;
	} catch (refusal) {
		notice.value = { title, text: refusal.message, action: refusal.action, code: refusal.code };
	}
	refresh();
}

// title: what it does, in full; label: what stands on the button; sure: what the second press says, when one is needed;
// right: what one needs to be shown it, since the station would refuse it anyway; done: called afterwards
export const Order = ({ right, ...more }) => (right && !may(right) ? null : html`<${Button} ...${more} />`);

function Button({ path, title, label, sure, tone, body, done }) {
	const [armed, setArmed] = useState(0);
	const [busy, setBusy] = useState(false);
	const timer = useRef(0);
	useEffect(() => () => clearTimeout(timer.current), []);

	async function press() {
		if (sure && !armed) {
			setArmed(performance.now());
			timer.current = setTimeout(() => setArmed(0), ARMED_MS);
			return;
		}
		if (sure && performance.now() - armed < BOUNCE_MS) return;
		clearTimeout(timer.current);
		setArmed(0);
		setBusy(true);
		await order(path, title, body);
		setBusy(false);
		done?.();
	}
	return html`<button
		type="button"
		class=${`order ${tone ?? ""} ${armed ? "armed" : ""}`}
		disabled=${busy || stale.value}
		aria-label=${armed ? `${title}: press again` : title}
		onClick=${press}
	>
		${armed ? sure : label}
	</button>`;
}

export function Notice() {
	const said = notice.value;
	return html`<div role="alert">
		${said &&
		html`<div class="notice">
			<p><strong>${said.title} was refused.</strong> ${ended(said.text)} <strong>${said.action}</strong>${said.code && html` <code>${said.code}</code>`}</p>
			<button type="button" class="order" onClick=${() => (notice.value = null)}>Close</button>
		</div>`}
	</div>`;
}
