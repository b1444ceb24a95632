// One's own PIN: whoever knows it, or has the badge, changes it.
import { useState } from "preact/hooks";
import { post } from "./api.js";
import { html } from "./html.js";
import { stale } from "./live.js";
import { me } from "./session.js";
import { ended } from "./words.js";

const Field = ({ name, label }) =>
	html`<label class="field"><span>${label}</span><input name=${name} type="password" required minlength=${name === "now" ? 1 : 6} maxlength="64" autocomplete="off" /></label>`;

export function Part() {
	const [said, say] = useState(null);
	const [busy, setBusy] = useState(false);
	async function send(event) {
		event.preventDefault();
		const form = event.currentTarget;
		const { by, now, next, again } = Object.fromEntries(new FormData(form));
		if (next !== again) return say({ message: "The new PIN was typed in two ways.", action: "Type it again." });
		setBusy(true);
		try {
			me.value = await post("/session/pin", { [by]: now, new_pin: next });
			say({ done: true });
		} catch (refusal) {
			say(refusal);
		}
		form.reset();
		setBusy(false);
	}
	if (!me.value?.role) return html`<p class="said">Nobody is logged in here. <strong>Log in first.</strong></p>`;
	return html`<section class="block"><h2>The PIN of ${me.value.name}</h2>
		<p>It has 6 characters or more. Wherever else ${me.value.name} is logged in, that ends.</p>
		<form class="filter bare" onSubmit=${send} aria-label="Change the PIN">
			<label class="field"><span>Proved by</span><select name="by"><option value="pin">the PIN of now</option><option value="badge">the badge</option></select></label>
			<${Field} name="now" label="PIN of now, or badge" />
			<${Field} name="next" label="New PIN" />
			<${Field} name="again" label="New PIN once more" />
			<button type="submit" class="order" disabled=${busy || stale.value}>Change it</button>
		</form>
		<div role="alert">${said && (said.done ? html`<p class="soundness">✓ The PIN is changed.</p>` : html`<p class="said">${ended(said.message)} <strong>${said.action}</strong></p>`)}</div>
	</section>`;
}
