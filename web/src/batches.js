// Batches: opened from an order, a recipe and a quantity; each one reconciled, with a report that prints on paper.
import { useEffect, useState } from "preact/hooks";
import { get, post, Refusal } from "./api.js";
import { BatchOrders } from "./batch.js";
import { queryOf } from "./filter.js";
import { html } from "./html.js";
import { linesOf, listSum, listTrouble } from "./lists.js";
import { batches as open, refresh, stale } from "./live.js";
import { notice } from "./orders.js";
import { go, goTo } from "./place.js";
import { Refused, useAnswer, when } from "./records.js";
import { may } from "./session.js";

const percent = (share) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(1)} %`);
const usable = (r) => !r.revoked && (r.state ?? "active") === "active";

// --- opening

// One key for one form: pressed twice, or sent twice by the network, it opens one batch.
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

function Open() {
	const recipes = useAnswer("/recipes?limit=1000");
	const [key, setKey] = useState(newKey);
	const [busy, setBusy] = useState(false);
	const [list, setList] = useState("");
	const [quantity, setQuantity] = useState(0);
	const serials = linesOf(list);
	const trouble = listTrouble(serials, quantity);
	async function submit(event) {
		event.preventDefault();
		const form = Object.fromEntries(new FormData(event.currentTarget));
		const asked = { order: form.order.trim(), recipe: form.recipe, quantity, ...(serials.length && { serials }) };
		setBusy(true);
		try {
			const batch = await post("/batches", asked, { "Idempotency-Key": key });
			notice.value = null;
			goTo(`/batches/${batch.id}`);
		} catch (refusal) {
			notice.value = { title: "Opening a batch", text: refusal.message, action: refusal.action, code: refusal.code };
			if (refusal instanceof Refusal && refusal.status) setKey(newKey());
		}
		setBusy(false);
		refresh();
	}
	const bringFile = async (event) => setList((await event.currentTarget.files[0]?.text()) ?? "");
	const items = recipes?.body?.items.filter(usable) ?? [];
	return html`<section class="block"><h2>Open a batch</h2>
		${recipes?.body && !items.length && html`<p class="said">No recipe is in use. <strong>Bring one on the screen Recipes first.</strong></p>`}
		<form class="filter bare" onSubmit=${submit} aria-label="Open a batch">
			<label class="field"><span>Order</span><input name="order" required maxlength="64" autocomplete="off" /></label>
			<label class="field wide"><span>Recipe</span><select name="recipe" required>
				${items.map((r) => html`<option key=${r.sha256} value=${r.sha256}>${r.name} ${r.version} · ${r.board}</option>`)}</select></label>
			<label class="field"><span>Quantity</span><input name="quantity" type="number" required min="1" max="10000000" step="1" onInput=${(event) => setQuantity(Number(event.currentTarget.value))} /></label>
			<label class="field wide"><span>Its units' serials, one a line, or none</span><textarea rows="2" spellcheck=${false} value=${list} onInput=${(event) => setList(event.currentTarget.value)}></textarea></label>
			<label class="field wide"><span>or from a file</span><input type="file" accept=".txt,.csv,text/plain" onChange=${bringFile} /></label>
			<button type="submit" class="order" disabled=${busy || stale.value || !items.length || trouble !== ""}>Open</button>
		</form>
		<p role="status">${trouble ? html`<strong>▲ ${trouble}</strong>` : serials.length > 0 && listSum(serials, quantity)}</p>
	</section>`;
}

// --- the list

function List() {
	const found = useAnswer("/batches?limit=100");
	const now = new Map(open.value.map((b) => [b.id, b]));
	return html`<section class="block"><h2>All batches</h2>
		${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
		${found?.body && !found.body.items.length && html`<p class="sum">There is none yet.</p>`}
		${found?.body?.items.length > 0 && html`<div class="scroll tall" tabindex="0" role="region" aria-label="All batches"><table>
			<thead><tr><th scope="col">Order</th><th scope="col" class="n">Batch</th><th scope="col">State</th><th scope="col">Board</th><th scope="col" class="n">Passed</th>
				<th scope="col" class="n">Of</th><th scope="col" class="n">FAIL</th><th scope="col" class="n">ERROR</th><th scope="col">Opened</th><th scope="col">Closed</th></tr></thead>
			<tbody>${found.body.items.map((b) => ({ ...b, ...now.get(b.id) })).map((b) => html`<tr key=${b.id}><th scope="row"><a href=${`/batches/${b.id}`} onClick=${go}>${b.order}</a></th>
				<td class="n">${b.id}</td><td>${b.state}</td><td>${b.board}</td><td class="n">${b.passed}</td><td class="n">${b.quantity}</td>
				<td class="n">${b.attempts.fail}</td><td class="n">${b.attempts.error}</td><td>${when(b.opened_at)}</td><td>${when(b.closed_at)}</td></tr>`)}</tbody>
		</table></div>`}
	</section>`;
}

// --- one of them

const Row = ({ name, children }) => html`<tr><th scope="row">${name}</th><td>${children}</td></tr>`;

const COUNTED = [["bound", "given"], ["reserved", "reserved"], ["free", "left"], ["void", "void"], ["moved", "on a later batch's list"]];
const listCounts = ({ id, serials }) => html`<a href=${`/station/numbers${queryOf({ batch: id })}`} onClick=${go}>${serials.listed}</a>: ${COUNTED.filter(([key]) => serials[key] || key === "bound").map(([key, word]) => `${serials[key]} ${word}`).join(", ")}`;

const Reconcile = ({ batch, stats, others }) => html`<table class="yields">
	<caption>Reconciled</caption>
	<tbody>
		<${Row} name="Ordered">${batch.quantity}<//>
		<${Row} name="Passed">${batch.passed}<//>
		<${Row} name="Missing">${batch.quantity - batch.passed}<//>
		<${Row} name="Worked on and not passed">${others.length} units: ${others.filter((u) => u.verdict === "FAIL").length} FAIL, ${others.filter((u) => u.verdict !== "FAIL").length} other<//>
		<${Row} name="Attempts">${batch.attempts.pass} PASS, ${batch.attempts.fail} FAIL, ${batch.attempts.error} ERROR, ${batch.attempts.aborted} ABORTED, ${batch.attempts.refused} refused<//>
		${batch.serials && html`<${Row} name="Serials listed">${listCounts(batch)}<//>`}
		${stats && html`<${Row} name="First-pass yield">${percent(stats.rates.first_pass.rate)} (95 %: ${percent(stats.rates.first_pass.low)} to ${percent(stats.rates.first_pass.high)})<//>
		<${Row} name="Final yield">${percent(stats.rates.final.rate)} (95 %: ${percent(stats.rates.final.low)} to ${percent(stats.rates.final.high)})<//>`}
	</tbody>
</table>`;

const unitName = (u) => html`<a href=${`/units/${u.uid}`} onClick=${go}>${u.serial ? `${u.serial} · ` : ""}<code>${u.uid}</code></a>`;

const Left = ({ left }) => html`<table><caption>Listed serials that no unit has</caption>
	<thead><tr><th scope="col">Serial</th><th scope="col">State</th><th scope="col">Unit</th><th scope="col">Why</th></tr></thead>
	<tbody>${left.map((l) => html`<tr key=${l.serial}><th scope="row"><code>${l.serial}</code></th><td>${l.state}</td><td>${l.uid ? unitName({ uid: l.uid }) : "–"}</td><td>${l.reason ?? "–"}</td></tr>`)}</tbody></table>`;

const Units = ({ passed, others }) => html`
	${others.length > 0 && html`<table><caption>Worked on and not passed</caption>
		<thead><tr><th scope="col">Unit</th><th scope="col">Last verdict</th><th scope="col">Code</th><th scope="col" class="n">Attempts</th><th scope="col" class="n">Last attempt</th></tr></thead>
		<tbody>${others.map((u) => html`<tr key=${u.uid}><th scope="row">${unitName(u)}</th><td>${u.verdict ?? "under way"}</td><td>${u.code ?? "–"}</td><td class="n">${u.attempts}</td><td class="n">${u.attempt}</td></tr>`)}</tbody></table>`}
	${passed.length > 0 && html`<table><caption>Passed</caption>
		<thead><tr><th scope="col">Unit</th><th scope="col" class="n">Attempt</th><th scope="col" class="n">Slot</th><th scope="col">At</th></tr></thead>
		<tbody>${passed.map((u) => html`<tr key=${u.uid}><th scope="row">${unitName(u)}</th><td class="n">${u.attempt}</td><td class="n">${u.slot}</td><td>${when(u.ended_at)}</td></tr>`)}</tbody></table>`}`;

const Checkpoint = ({ point }) =>
	point
		? html`<h3>Signed checkpoint</h3><p>The station signed these lines; its journal cannot be changed afterwards without contradicting them.</p>
			<pre class="signed">${point.text}signature ${point.signature}${"\n"}public key ${point.public_key}</pre>`
		: html`<p>No checkpoint covers the batch yet: one is made when it is closed, and within five minutes of quiet.</p>`;

function useReport(id) {
	const [found, setFound] = useState(null);
	const state = open.value.find((b) => b.id === id);
	const mark = state ? `${state.state} ${state.passed}` : "closed";
	useEffect(() => {
		let over = false;
		Promise.all([get(`/batches/${id}/report`), get(`/stats?batch=${id}`, 60000)]).then(
			([report, stats]) => !over && setFound({ report, stats }),
			(refusal) => !over && setFound({ refusal }),
		);
		return () => (over = true);
	}, [id, mark]);
	return found;
}

function One({ id }) {
	const found = useReport(id);
	if (!found) return html`<p role="status">Looking …</p>`;
	if (found.refusal) return html`<${Refused} refusal=${found.refusal} />`;
	const { batch, recipe, station, passed, not_passed: others, serials_left: left, checkpoint } = found.report;
	return html`<section class="block report">
		<h2>Order ${batch.order}, batch ${batch.id}: ${batch.state}</h2>
		<div class="orders">
			${batch.state !== "closed" && html`<${BatchOrders} of=${batch} />`}
			<button type="button" class="order quiet" onClick=${() => print()}>Print this report</button>
			<a class="order quiet" href=${`/quality?batch=${batch.id}`} onClick=${go}>Quality</a>
			<a class="order quiet" href=${`/units?batch=${batch.id}`} onClick=${go}>Attempts</a>
			<a class="order quiet" href=${`/api/v1/batches/${batch.id}/report`} download=${`batch-${batch.id}.json`}>As JSON</a>
		</div>
		<dl class="facts">
			<div><dt>Station</dt><dd>${station}</dd></div>
			<div><dt>Recipe</dt><dd>${recipe.name} ${recipe.version} · ${recipe.board}</dd></div>
			<div><dt>SHA-256 of the recipe</dt><dd><code class="hash">${batch.recipe}</code></dd></div>
			<div><dt>Signed by</dt><dd>${recipe.signers.map((s) => `${s.key} (${s.roles.join(", ") || "no role"})`).join(", ") || "nobody"}</dd></div>
			<div><dt>Opened</dt><dd>${when(batch.opened_at)} ${batch.opened_by ? `by ${batch.opened_by}` : ""}</dd></div>
			<div><dt>Closed</dt><dd>${when(batch.closed_at)} ${batch.closed_by ? `by ${batch.closed_by}` : ""}</dd></div>
		</dl>
		<${Reconcile} batch=${batch} stats=${found.stats} others=${others} />
		${found.stats.pareto.length > 0 && html`<table class="yields"><caption>What went wrong</caption><thead><tr><th scope="col">Code</th><th scope="col">Verdict</th><th scope="col" class="n">Attempts</th></tr></thead>
			<tbody>${found.stats.pareto.map((c) => html`<tr key=${c.code}><th scope="row">${c.code}</th><td>${c.verdict}</td><td class="n">${c.count}</td></tr>`)}</tbody></table>`}
		<${Checkpoint} point=${checkpoint} />
		${left.length > 0 && html`<${Left} left=${left} />`}
		<${Units} passed=${passed} others=${others} />
	</section>`;
}

export function Screen({ rest }) {
	return html`<main class="page">
		<h1>Batches</h1>
		${rest ? html`<${One} id=${rest} />` : html`${may("batches") && html`<${Open} />`}<${List} />`}
	</main>`;
}
