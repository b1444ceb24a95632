// Attempts, units and batches as people look for them: what the one search box found, and a list by any conditions.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { asked, Filter, queryOf } from "./filter.js";
import { html } from "./html.js";
import { go, goTo, search, turnTo } from "./place.js";
import { Shape } from "./shapes.js";
import { ended, verdictShape, verdictTone } from "./words.js";

export const when = (text) => (text ? new Date(text).toLocaleString("sv-SE") : "–");
const BASE = "/api/v1";

export function Verdict({ of }) {
	const word = of.verdict ? (of.refused ? "REFUSED" : of.verdict) : "RUNNING";
	return html`<span class=${`verdict tone-${of.verdict ? verdictTone(of.verdict) : "run"}`}>
		<${Shape} name=${of.refused ? "bar" : verdictShape(of.verdict)} /> ${word}</span>`;
}

export const Refused = ({ refusal }) => html`<p role="alert" class="said">${ended(refusal.message)} <strong>${refusal.action}</strong></p>`;

// An answer of the API, asked for anew when the address or the mark changes; null until there is one of this address.
export function useAnswer(path, mark) {
	const [found, setFound] = useState(null);
	const before = useRef(path);
	useEffect(() => {
		let over = false;
		if (before.current !== path) setFound(null);
		before.current = path;
		if (path) get(path).then((body) => !over && setFound({ body }), (refusal) => !over && setFound({ refusal }));
		return () => (over = true);
	}, [path, mark]);
	return found;
}

const UnitLink = ({ uid, serial }) => (uid ? html`<a href=${`/units/${uid}`} onClick=${go}>${serial ?? html`<code>${uid}</code>`}</a>` : "–");

const Attempts = ({ items }) => html`<div class="scroll tall" tabindex="0" role="region" aria-label="Attempts"><table class="records">
	<thead><tr><th scope="col" class="n">Attempt</th><th scope="col">Verdict</th><th scope="col">Code</th><th scope="col">Unit</th><th scope="col" class="n">Slot</th>
		<th scope="col">Order</th><th scope="col" class="n">Batch</th><th scope="col">Operator</th><th scope="col">Started</th></tr></thead>
	<tbody>${items.map((a) => html`<tr key=${a.id}><th scope="row" class="n">${a.id}</th><td><${Verdict} of=${a} /></td><td>${a.code ?? "–"}</td>
		<td><${UnitLink} ...${a} /></td><td class="n">${a.slot}</td><td>${a.order ?? "–"}</td><td class="n">${a.batch ?? "–"}</td><td>${a.operator ?? "–"}</td><td>${when(a.started_at)}</td></tr>`)}</tbody>
</table></div>`;

// A list by the form's conditions, a page at a time, and all of it as a file.
function List() {
	const now = asked();
	const found = useAnswer(`/attempts${queryOf({ limit: 50, ...now })}`);
	const whole = queryOf({ ...now, cursor: "" });
	return html`<section class="block">
		<h2>Attempts</h2>
		<div class="orders">
			<a class="order quiet" href=${`${BASE}/exports/attempts.csv${whole}`} download="attempts.csv">All of these as CSV</a>
			<a class="order quiet" href=${`${BASE}/exports/attempts.json${whole}`} download="attempts.json">All of these as JSON</a>
			<a class="order quiet" href=${`/quality${whole}`} onClick=${go}>What they come to</a>
		</div>
		${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
		${found?.body && !found.body.items.length && html`<p class="sum">There is none.</p>`}
		${found?.body?.items.length > 0 && html`<${Attempts} items=${found.body.items} />`}
		<div class="orders">
			${now.cursor && html`<button type="button" class="order quiet" onClick=${() => history.back()}>Newer</button>`}
			${found?.body?.next && html`<button type="button" class="order quiet" onClick=${() => goTo(`/units${queryOf({ ...now, cursor: found.body.next })}`)}>Older</button>`}
		</div>
	</section>`;
}

// What the search box found.  One thing alone is shown at once.
function Found({ text }) {
	const found = useAnswer(`/search${queryOf({ q: text })}`);
	const { units, batches, more } = found?.body ?? { units: [], batches: [] };
	useEffect(() => {
		if (!found?.body || units.length + batches.length !== 1) return;
		turnTo(units.length ? `/units/${units[0].uid}` : `/batches/${batches[0].id}`);
	}, [found]);
	return html`<section class="block">
		<h2>${text}</h2>
		${!found && html`<p role="status">Looking …</p>`}
		${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
		${found?.body && !units.length && !batches.length && html`<p class="said" role="alert">No unit's UID or serial and no order begins with this, and no batch has this number. <strong>Check what was typed or scanned.</strong></p>`}
		${units.length > 0 && html`<table><caption>Units</caption>
			<thead><tr><th scope="col">Serial</th><th scope="col">UID</th><th scope="col">Board</th><th scope="col">Status</th><th scope="col">Last seen</th></tr></thead>
			<tbody>${units.map((u) => html`<tr key=${u.uid}><th scope="row">${u.serial ?? "–"}</th><td><a href=${`/units/${u.uid}`} onClick=${go}><code>${u.uid}</code></a></td>
				<td>${u.board}</td><td>${u.status}</td><td>${when(u.last_seen)}</td></tr>`)}</tbody></table>`}
		${batches.length > 0 && html`<table><caption>Batches</caption>
			<thead><tr><th scope="col">Order</th><th scope="col" class="n">Batch</th><th scope="col">Board</th><th scope="col">State</th><th scope="col" class="n">Passed</th><th scope="col">Opened</th></tr></thead>
			<tbody>${batches.map((b) => html`<tr key=${b.id}><th scope="row"><a href=${`/batches/${b.id}`} onClick=${go}>${b.order}</a></th><td class="n">${b.id}</td>
				<td>${b.board}</td><td>${b.state}</td><td class="n">${b.passed} / ${b.quantity}</td><td>${when(b.opened_at)}</td></tr>`)}</tbody></table>`}
		${more && html`<p>There are more than these: type more of it.</p>`}
	</section>`;
}

export function Records() {
	const text = new URLSearchParams(search.value).get("q");
	return html`<main class="page">
		<h1>Units</h1>
		${text ? html`<${Found} text=${text} />` : html`<${Filter} /><${List} />`}
	</main>`;
}
