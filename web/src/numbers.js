// Serials and MAC numbers: how many there are, bringing them in, voiding one, and the list.
import { useState } from "preact/hooks";
import { post } from "./api.js";
import { asked, queryOf } from "./filter.js";
import { html } from "./html.js";
import { linesOf } from "./lists.js";
import { stale, station } from "./live.js";
import { notice } from "./orders.js";
import { go, goTo, path, search } from "./place.js";
import { Refused, useAnswer } from "./records.js";
import { may } from "./session.js";

const KINDS = [["serial", "Serials"], ["mac", "MAC numbers"]];
const STATES = ["free", "reserved", "bound", "void"];
const WAYS = { off: "units get none", pool: "from the pool below", mes: "from the MES", scan: "by scanner" };
const AT_ONCE = 10000; // that one request may bring

const number = (value) => Number(value).toLocaleString("en-GB");

// Free ones on a batch's list are for its units only.
const Counts = ({ counts, numbers }) => html`<table class="yields">
	<thead><tr><td></td>${STATES.map((s) => html`<th key=${s} scope="col" class="n">${s}</th>`)}<th scope="col" class="n">on batches' lists</th><th scope="col">Units get them</th></tr></thead>
	<tbody>${KINDS.map(([kind, name]) => html`<tr key=${kind}><th scope="row">${name}</th>
		${STATES.map((s) => html`<td key=${s} class="n"><a href=${`/station/numbers${queryOf({ kind, status: s })}`} onClick=${go}>${number(counts[kind][s])}</a></td>`)}
		<td class="n">${number(counts[kind].listed)}</td><td>${WAYS[numbers?.[kind]] ?? "–"}</td></tr>`)}</tbody>
</table>`;

// Empty where there is enough, or where the pool is not used.
const shortage = (counts, numbers) =>
	KINDS.filter(([kind]) => numbers?.[kind] === "pool" && counts[kind].free === 0).map(([, name]) => `▲ No ${name} are free: no unit can be programmed. Bring some.`);

const Kind = () => html`<label class="field"><span>Kind</span><select name="kind">${KINDS.map(([kind, name]) => html`<option key=${kind} value=${kind}>${name}</option>`)}</select></label>`;

const uniqueLines = (text) => [...new Set(linesOf(text))];

// The same list brought twice adds nothing: numbers that are known stay as they are.
async function bringAll(kind, values, told) {
	let given = 0, added = 0;
	for (let at = 0; at < values.length; at += AT_ONCE) {
		const part = await post("/numbers", { kind, values: values.slice(at, at + AT_ONCE) });
		told({ given: (given += part.given), added: (added += part.added), of: values.length });
	}
}

function Bring({ changed }) {
	const [said, say] = useState(null);
	const [busy, setBusy] = useState(false);
	async function send(event) {
		event.preventDefault();
		const form = event.currentTarget;
		const file = form.elements.file.files[0];
		setBusy(true);
		say(null);
		try {
			const values = uniqueLines(`${form.elements.text.value}\n${file ? await file.text() : ""}`);
			if (!values.length) throw Object.assign(new Error("There is no number in it."), { action: "Choose a file or type numbers, one a line." });
			await bringAll(form.elements.kind.value, values, say);
			notice.value = null;
			form.reset();
		} catch (refusal) {
			notice.value = { title: "Bringing numbers", text: refusal.message, action: refusal.action ?? "Choose another file.", code: refusal.code };
		}
		setBusy(false);
		changed();
	}
	return html`<section class="block"><h2>Bring numbers</h2>
		<form class="filter bare" onSubmit=${send} aria-label="Bring numbers">
			<${Kind} />
			<label class="field wide"><span>A file, one number a line</span><input name="file" type="file" accept=".txt,.csv,text/plain" /></label>
			<label class="field wide"><span>or typed, one a line</span><textarea name="text" rows="2" spellcheck=${false}></textarea></label>
			<button type="submit" class="order" disabled=${busy || stale.value}>${busy ? "Bringing …" : "Bring"}</button>
		</form>
		<p role="status">${said && `${number(said.given)} of ${number(said.of)} brought: ${number(said.added)} are new, ${number(said.given - said.added)} were known.`}</p>
	</section>`;
}

function Void({ changed }) {
	const [armed, arm] = useState("");
	async function send(event) {
		event.preventDefault();
		const form = event.currentTarget;
		const { kind, value, reason } = Object.fromEntries([...new FormData(form)].map(([key, text]) => [key, text.trim()]));
		if (armed !== `${kind} ${value}`) return arm(`${kind} ${value}`);
		arm("");
		try {
			await post("/numbers/void", { kind, value, reason });
			notice.value = null;
			form.reset();
		} catch (refusal) {
			notice.value = { title: `To void ${value}`, text: refusal.message, action: refusal.action, code: refusal.code };
		}
		changed();
	}
	return html`<section class="block"><h2>Void one</h2>
		<form class="filter bare" onSubmit=${send} onInput=${() => arm("")} aria-label="Void a number">
			<${Kind} />
			<label class="field"><span>Number</span><input name="value" required maxlength="64" autocomplete="off" spellcheck=${false} /></label>
			<label class="field wide"><span>Why</span><input name="reason" required maxlength="128" autocomplete="off" /></label>
			<button type="submit" class=${`order danger ${armed ? "armed" : ""}`} disabled=${stale.value}>${armed ? "For good: press again" : "Void it for good"}</button>
		</form></section>`;
}

const Table = ({ items }) => html`<div class="scroll tall" tabindex="0" role="region" aria-label="Numbers"><table>
	<thead><tr><th scope="col">Kind</th><th scope="col">Number</th><th scope="col">State</th><th scope="col">From</th><th scope="col" class="n">Batch</th><th scope="col">Unit</th><th scope="col" class="n">Attempt</th><th scope="col">Why</th></tr></thead>
	<tbody>${items.map((n) => html`<tr key=${n.id}><td>${n.kind === "mac" ? "MAC" : "serial"}</td><th scope="row"><code>${n.value}</code></th><td>${n.state}${n.kept && ", may stand in the unit"}</td><td>${n.source}</td>
		<td class="n">${n.batch ? html`<a href=${`/batches/${n.batch}`} onClick=${go}>${n.batch}</a>` : "–"}</td><td>${n.uid ? html`<a href=${`/units/${n.uid}`} onClick=${go}><code>${n.uid}</code></a>` : "–"}</td><td class="n">${n.attempt ?? "–"}</td><td>${n.reason ?? "–"}</td></tr>`)}</tbody>
</table></div>`;

function List({ mark }) {
	const now = asked();
	const found = useAnswer(`/numbers${queryOf({ limit: 50, kind: now.kind, status: now.status, batch: now.batch, cursor: now.cursor })}`, mark);
	const choose = (event) => goTo(path.value + queryOf({ batch: now.batch, ...Object.fromEntries(new FormData(event.currentTarget)) }));
	const select = (name, label, options) => html`<label class="field"><span>${label}</span><select name=${name} value=${now[name] ?? ""}>
		<option value="">any</option>${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${now[name] === value}>${text}</option>`)}</select></label>`;
	return html`<section class="block"><h2>Numbers</h2>
		<form class="filter bare" aria-label="Which numbers" onChange=${choose} onSubmit=${(event) => event.preventDefault()} key=${search.value}>
			${select("kind", "Kind", KINDS)} ${select("status", "State", STATES.map((s) => [s, s]))}
		</form>
		${now.batch && html`<p class="sum">On the list of <a href=${`/batches/${now.batch}`} onClick=${go}>batch ${now.batch}</a>, in its order. <a href=${`/station/numbers${queryOf({ ...now, batch: "" })}`} onClick=${go}>Show all numbers</a></p>`}
		${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
		${found?.body && !found.body.items.length && html`<p class="sum">There is none.</p>`}
		${found?.body?.items.length > 0 && html`<${Table} items=${found.body.items} />`}
		<div class="orders">
			${now.cursor && html`<button type="button" class="order quiet" onClick=${() => history.back()}>Back</button>`}
			${found?.body?.next && html`<button type="button" class="order quiet" onClick=${() => goTo(path.value + queryOf({ ...now, cursor: found.body.next }))}>More</button>`}
		</div>
	</section>`;
}

export function Part() {
	const [mark, setMark] = useState(0);
	const counts = useAnswer("/numbers/counts", mark);
	const changed = () => setMark(mark + 1);
	const { numbers } = station.value ?? {};
	return html`
		<section class="block"><h2>In all</h2>
			${counts?.refusal && html`<${Refused} refusal=${counts.refusal} />`}
			${counts?.body && html`<ul class="findings">${shortage(counts.body, numbers).map((text) => html`<li key=${text}>${text}</li>`)}</ul><${Counts} counts=${counts.body} numbers=${numbers} />`}
		</section>
		${may("numbers") && html`<${Bring} changed=${changed} /><${Void} changed=${changed} />`}
		<${List} mark=${mark} />`;
}
