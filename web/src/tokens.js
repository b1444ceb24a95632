// Tokens: how machines come in.  A token is shown once, when it is made.
import { useRef, useState } from "preact/hooks";
import { Form } from "./form.js";
import { html } from "./html.js";
import { stationNow } from "./live.js";
import { Order } from "./orders.js";
import { Refused, useAnswer, when } from "./records.js";
import { may, me } from "./session.js";

// what each scope is for; one that is not named here is shown by its name
const SCOPES = {
	read: "look at everything but the audit", work: "retry and abort in a slot", slots: "enable and disable slots, deploy",
	batches: "open batches", hold: "hold batches", release: "resume and close batches", recipes: "bring recipes",
	approve: "approve, activate and retire recipes", revoke: "revoke recipes", serials: "bind serials", numbers: "bring and void numbers",
	mes: "send to the MES again", audit: "look at who did what",
};

// By a selection, as a person would: browsers allow that at a press of a button everywhere, the clipboard's own interface
// only on https and with a permission.
function New({ made, done }) {
	const field = useRef(null);
	const [copied, setCopied] = useState("");
	function copy() {
		field.current.select();
		setCopied(document.execCommand("copy") ? "Copied." : "The browser did not copy it: it is selected, press Ctrl and C.");
	}
	return html`<section class="block" aria-label="The new token"><h2>The token ${made.name}</h2>
		<p class="soundness">It is shown this once. Copy it now to where it is needed.</p>
		<div class="filter bare"><div class="field token"><label for="new-token">Token</label><input id="new-token" readonly value=${made.token} ref=${field} onFocus=${(e) => e.target.select()} /></div>
			<button type="button" class="order" onClick=${copy} ref=${(button) => !copied && button?.focus()}>Copy</button>
			<button type="button" class="order quiet" onClick=${done}>I have it: hide it</button></div>
		<p role="status">${copied}</p>
	</section>`;
}

function Create({ made }) {
	const scopes = me.value.rights.filter((right) => right !== "people");
	return html`<section class="block"><h2>Make a token</h2>
		<${Form} label="Make a token" button="Make it" done=${made} path=${() => "/tokens"}
			fields=${[{ name: "name", label: "Name: which machine", required: true, maxlength: 64 }, { name: "days", label: "Good for days", type: "number", min: 1, max: 3650, step: 1, value: 365, required: true }]}
			check=${(v) => (v.all("scope").length ? null : ["scopes", "The token could do nothing.", "Choose what it may do."])}
			body=${(v) => ({ name: v.name.trim(), scopes: v.all("scope"), days: Number(v.days) })}>
			<fieldset class="scopes"><legend>What it may do</legend>
				${scopes.map((s) => html`<label key=${s}><input type="checkbox" name="scope" value=${s} /> <strong>${s}</strong> ${SCOPES[s] ?? ""}</label>`)}</fieldset>
		<//></section>`;
}

const stateOf = (t) => (t.revoked_at ? `✕ revoked ${when(t.revoked_at)}` : Date.parse(t.expires_at) <= stationNow() ? "◌ over" : "● good");
const Table = ({ items, again }) => html`<div class="scroll tall" tabindex="0" role="region" aria-label="Tokens"><table>
	<thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">May</th><th scope="col">Made</th><th scope="col">By</th><th scope="col">Good until</th><th scope="col">Last changed something</th><td></td></tr></thead>
	<tbody>${items.map((t) => html`<tr key=${t.id}><th scope="row">${t.name}</th><td>${stateOf(t)}</td><td>${t.scopes.join(", ")}</td><td>${when(t.created_at)}</td><td>${t.created_by ?? "–"}</td>
		<td>${when(t.expires_at)}</td><td>${when(t.last_change_at)}</td><td>${!t.revoked_at && html`<${Order} path=${`/tokens/${t.id}/revoke`} title=${`Revoke ${t.name}`} label="Revoke" sure="For good: press again" tone="danger" right="people" done=${again} />`}</td></tr>`)}</tbody>
</table></div>`;

export function Part() {
	const [mark, setMark] = useState(0);
	const [made, setMade] = useState(null);
	const found = useAnswer(may("people") ? "/tokens?limit=1000" : null, mark);
	const again = () => setMark(mark + 1);
	if (!may("people")) return html`<p class="said">Only an administrator sees the tokens. <strong>Ask one, or log in as one.</strong></p>`;
	const items = found?.body?.items ?? [];
	return html`
		${made && html`<${New} key=${made.id} made=${made} done=${() => setMade(null)} />`}
		<section class="block"><h2>Tokens</h2>
			${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
			${found?.body && !items.length && html`<p class="sum">There is none.</p>`}
			${items.length > 0 && html`<${Table} items=${items} again=${again} />`}
		</section>
		<${Create} made=${(token) => (setMade(token), again())} />`;
}
