// The audit: who did what, when and from where.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";
import { html } from "./html.js";
import { ended } from "./words.js";

const PAGE = 100;

const when = (text) => new Date(text).toLocaleString("sv-SE");
const inWords = (kind) => kind.replaceAll("-", " ");

// "batch 17, quantity 50": what the row says beside, as a person reads it
const details = (of) =>
	Object.entries(of)
		.filter(([, value]) => value !== null)
		.map(([key, value]) => `${inWords(key)} ${typeof value === "object" ? JSON.stringify(value) : value}`)
		.join(", ");

function address(filter, cursor, limit) {
	const query = new URLSearchParams(limit ? { limit } : {});
	for (const [key, value] of Object.entries(filter)) if (value) query.set(key, value);
	if (cursor) query.set("cursor", cursor);
	return `?${query}`;
}

// From the form's fields to the station's parameters; a local time becomes UTC.
function readFilter(form) {
	const filter = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()]));
	for (const key of ["from", "to"]) if (filter[key]) filter[key] = new Date(filter[key]).toISOString();
	filter.what = filter.what.toLowerCase().replaceAll(" ", "-");
	return filter;
}

const Filter = ({ onFilter }) => {
	function send(event) {
		event.preventDefault();
		onFilter(readFilter(event.currentTarget));
	}
	return html`<form class="filter" aria-label="Filter" onSubmit=${send}>
		<label>Who <input name="who" maxlength="128" autocomplete="off" spellcheck=${false} /></label>
		<label>What <input name="what" maxlength="64" autocomplete="off" spellcheck=${false} placeholder="batch opened" /></label>
		<label>From <input name="from" type="datetime-local" step="1" /></label>
		<label>To <input name="to" type="datetime-local" step="1" /></label>
		<button type="submit" class="order">Show</button>
	</form>`;
};

const Table = ({ rows }) => html`<div class="wide" tabindex="0" role="region" aria-label="What was done"><table>
	<thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Details</th>
		<th scope="col">From</th></tr></thead>
	<tbody>
		${rows.map(
			(row) => html`<tr key=${row.id}><td class="when">${when(row.at)}</td><td>${row.who ?? "–"}</td>
				<th scope="row">${inWords(row.what)}</th><td class="details">${details(row.details)}</td><td>${row.from ?? "–"}</td></tr>`,
		)}
	</tbody>
</table></div>`;

export function Screen() {
	const [filter, setFilter] = useState({});
	const [shown, setShown] = useState({ rows: [], next: null, refusal: null, done: false });

	async function look(cursor, before) {
		try {
			const { items, next } = await get(`/audit${address(filter, cursor, PAGE)}`);
			setShown({ rows: [...before, ...items], next, refusal: null, done: true });
		} catch (refusal) {
			setShown({ rows: before, next: cursor, refusal, done: true });
		}
	}
	useEffect(() => {
		look(null, []);
	}, [filter]);
	const { rows, next, refusal, done } = shown;
	return html`<main class="audit">
		<h1>Audit</h1>
		<${Filter} onFilter=${setFilter} />
		<div class="orders"><a class="order quiet" href=${`/api/v1/exports/audit.csv${address(filter)}`} download="audit.csv">All of these as CSV</a></div>
		<div role="alert">${refusal && html`<p class="said">${ended(refusal.message)} <strong>${refusal.action}</strong></p>`}</div>
		${rows.length > 0 && html`<${Table} rows=${rows} />`}
		${done && !rows.length && !refusal && html`<p class="nothing">Nothing of that kind was done.</p>`}
		${next && html`<button type="button" class="order quiet" onClick=${() => look(next, rows)}>Show more</button>`}
	</main>`;
}
