// The people: who may come in, as what, and by what.  A PIN or badge that is set is shown nowhere again.
import { useState } from "preact/hooks";
import { isCard } from "./cards.js";
import { Form } from "./form.js";
import { html } from "./html.js";
import { Refused, useAnswer, when } from "./records.js";
import { may, me } from "./session.js";
import { bare } from "./words.js";

const ROLES = ["operator", "supervisor", "qa", "integrator", "admin"];
const PIN = { name: "pin", label: "PIN", type: "password", maxlength: 64 };
const AGAIN = { name: "again", label: "PIN once more", type: "password", maxlength: 64 };
const BADGE = { name: "badge", label: "Badge: scan or type it", type: "password", scan: true };

const noBadge = (badge) => isCard(bare(badge)) && !/^OP:/i.test(bare(badge));
function wrongIn({ badge, pin, again }) {
	if (badge && noBadge(badge)) return ["badge", "That is another card than a badge.", "Scan the badge."];
	return pin === again ? null : ["again", "The PIN was typed in two ways.", "Type it again."];
}
const addressOf = (name, verb) => `/people/${encodeURIComponent(name)}/${verb}`;

const Add = ({ done }) => html`<section class="block"><h2>Add a person</h2>
	<p>A badge, a PIN of 6 characters or more, or both. Neither is shown again.</p>
	<${Form} label="Add a person" button="Add" done=${done} check=${wrongIn} path=${() => "/people"}
		fields=${[{ name: "name", label: "Name", required: true, maxlength: 64 }, { name: "role", label: "Role", options: ROLES }, BADGE, PIN, AGAIN]}
		body=${({ name, role, badge, pin }) => ({ name: name.trim(), role, badge: bare(badge) || null, pin: pin || null })} />
</section>`;

function One({ of, done }) {
	const { name, role, pin, badge } = of;
	const to = (verb) => () => addressOf(name, verb);
	const none = (what) => html`<${Form} label=${`Take the ${what} away`} fields=${[]} path=${to(what)} body=${() => ({ [what]: null })} done=${done}
		button=${`Take the ${what} away`} sure=${`Take it away: press again`} tone="danger" />`;
	return html`<section class="block" aria-label=${`Change ${name}`}><h2 tabindex="-1" ref=${(head) => head?.focus()}>${name}, ${role}</h2>
		<p>Wherever ${name} is logged in, that ends with each of these.${name === me.value?.name ? " That is you." : ""}</p>
		<${Form} label="Role" button="Give this role" path=${to("role")} done=${done} key=${role}
			fields=${[{ name: "role", label: "Role", options: ROLES, value: role }]} body=${(v) => ({ role: v.role })} />
		<${Form} label="Badge" button=${badge ? "Set another badge" : "Set the badge"} path=${to("badge")} done=${done} check=${wrongIn}
			fields=${[{ ...BADGE, required: true }]} body=${(v) => ({ badge: bare(v.badge) })} />
		<${Form} label="PIN" button=${pin ? "Set another PIN" : "Set the PIN"} path=${to("pin")} done=${done} check=${wrongIn}
			fields=${[{ ...PIN, required: true }, { ...AGAIN, required: true }]} body=${(v) => ({ pin: v.pin })} />
		<div class="orders">${badge && none("badge")}${pin && none("pin")}
			<${Form} label="Remove" fields=${[]} path=${to("remove")} body=${() => ({})} done=${done}
				button=${`Remove ${name}`} sure=${`Remove ${name}: press again`} tone="danger" /></div>
	</section>`;
}

const has = (is) => (is ? "✓ set" : "– none");
const Table = ({ items, chosen, choose }) => html`<div class="scroll tall" tabindex="0" role="region" aria-label="People"><table>
	<thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Badge</th><th scope="col">PIN</th><th scope="col">Added</th><th scope="col">By</th><td></td></tr></thead>
	<tbody>${items.map((p) => html`<tr key=${p.name}><th scope="row">${p.name}</th><td>${p.role}</td><td>${has(p.badge)}</td><td>${has(p.pin)}</td><td>${when(p.added_at)}</td><td>${p.added_by ?? "–"}</td>
		<td><button type="button" class="order quiet" aria-expanded=${chosen === p.name} aria-label=${`${chosen === p.name ? "Close" : "Change"} ${p.name}`} onClick=${() => choose(chosen === p.name ? "" : p.name)}>${chosen === p.name ? "Close" : "Change"}</button></td></tr>`)}</tbody>
</table></div>`;

export function Part() {
	const [mark, setMark] = useState(0);
	const [chosen, choose] = useState("");
	const found = useAnswer(may("people") ? "/people?limit=1000" : null, mark);
	const done = () => setMark(mark + 1);
	if (!may("people")) return html`<p class="said">Only an administrator sees the people. <strong>Ask one, or log in as one.</strong></p>`;
	const items = found?.body?.items ?? [];
	const one = items.find((p) => p.name === chosen);
	return html`
		<section class="block"><h2>People</h2>
			${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
			${found?.body && !items.length && html`<p class="sum">There is nobody yet.</p>`}
			${items.length > 0 && html`<${Table} items=${items} chosen=${chosen} choose=${choose} />`}
		</section>
		${one && html`<${One} key=${one.name} of=${one} done=${done} />`}
		<${Add} done=${done} />`;
}
