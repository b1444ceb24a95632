// A unit's whole history: every attempt, newest first, with what was read back.
import { useEffect, useState } from "preact/hooks";
import { getQuietly, getWithStatus } from "./api.js";
import { html } from "./html.js";
import { Label } from "./label.js";
import { recipeOf } from "./live.js";
import { go } from "./place.js";
import { Records, Verdict, when } from "./records.js";
import { ended, messageOf, permitText } from "./words.js";

const AGAIN_MS = 2000; // while an attempt is under way
const LABEL_MS = 20000; // after a label was ordered what comes of it is looked for
const MOST = 100; // attempts that the station gives at once

const number = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en-GB"));

const Steps = ({ steps }) => html`<table>
	<caption>Steps</caption>
	<thead><tr><th scope="col">Step</th><th scope="col">Outcome</th><th scope="col" class="n">ms</th>
		<th scope="col" class="n">Bytes</th><th scope="col" class="n">Units</th><th scope="col" class="n">Skipped</th></tr></thead>
	<tbody>
		${steps.map(
			(s, i) => html`<tr key=${i}><th scope="row">${s.step}</th><td>${s.outcome}</td><td class="n">${number(s.ms)}</td>
				<td class="n">${number(s.bytes)}</td><td class="n">${number(s.units)}</td><td class="n">${number(s.skipped)}</td></tr>`,
		)}
	</tbody>
</table>`;

const crcWord = (r) => (!r.crc32_read ? "not read" : r.crc32_read === r.crc32 ? "= equal" : "≠ DIFFERENT");

const Regions = ({ regions }) => html`<table>
	<caption>Regions</caption>
	<thead><tr><th scope="col">Partition</th><th scope="col" class="n">Bytes</th><th scope="col" class="n">Files</th>
		<th scope="col">CRC-32 wanted</th><th scope="col">CRC-32 read</th><th scope="col">Compared</th>
		<th scope="col">SHA-256 read</th></tr></thead>
	<tbody>
		${regions.map(
			(r) => html`<tr key=${r.partition} class=${r.crc32_read && r.crc32_read !== r.crc32 ? "bad" : ""}>
				<th scope="row">${r.partition}</th><td class="n">${number(r.length)}</td><td class="n">${number(r.files)}</td>
				<td><code>${r.crc32}</code></td><td><code>${r.crc32_read ?? "–"}</code></td><td>${crcWord(r)}</td>
				<td><code class="hash">${r.sha256_read ?? "–"}</code></td></tr>`,
		)}
	</tbody>
</table>`;

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

const versionText = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

// Who stands for what was written: the recipe's name, and the keys that signed it.
function Recipe({ sha256 }) {
	const [recipe, setRecipe] = useState(null);
	useEffect(() => {
		let over = false;
		if (sha256) recipeOf(sha256).then((r) => !over && setRecipe(r));
		return () => (over = true);
	}, [sha256]);
	if (!sha256) return html`<${Fact} name="Recipe">–<//>`;
	return html`<${Fact} name="Recipe">${recipe ? `${recipe.name} ${recipe.version} · ` : ""}<code class="hash">${sha256}</code><//>
		${recipe && html`<${Fact} name="Signed by">${recipe.signers.map((s) => `${s.key} (${s.roles.join(", ") || "no role"})`).join(", ") || "nobody"}<//>`}`;
}

const Files = ({ of }) => html`<div class="orders">
	<a class="order quiet" href=${`/api/v1/attempts/${of.id}`} download=${`attempt-${of.id}.json`}>Attempt ${of.id} as JSON</a>
	${of.verdict && html`<a class="order quiet" href=${`/api/v1/attempts/${of.id}/proof`} download=${`proof-${of.id}.json`}
		title="The rows of the journal and the signed checkpoint that covers them: stationctl journal prove checks them anywhere">Proof of attempt ${of.id}</a>`}
</div>`;

function Attempt({ of, changed }) {
	const ms = of.ended_at ? Date.parse(of.ended_at) - Date.parse(of.started_at) : null;
	return html`<article class="attempt" aria-label=${`Attempt ${of.id}`}>
		<header>
			<${Verdict} of=${of} />
			<h2>Attempt ${of.id}</h2>
			${of.kind === "deploy" && html`<p class="kind">deploy</p>`}
			<p>${when(of.started_at)}${ms === null ? "" : ` · ${(ms / 1000).toFixed(1)} s`}</p>
			${of.code && html`<p class="code">${of.code}</p>`}
		</header>
		${of.verdict && (of.verdict !== "PASS" || of.kind === "deploy") && html`<p class="said">${ended(messageOf(of))} <strong>${of.action}</strong></p>`}
		<dl class="facts">
			<${Fact} name="Slot">${of.slot}<//>
			<${Fact} name="Order">${of.order ?? "–"}<//>
			<${Fact} name="Batch">${of.batch ?? "–"}<//>
			<${Recipe} sha256=${of.recipe} />
			<${Fact} name="Board">${of.board}<//>
			<${Fact} name="Transport">${of.transport}<//>
			<${Fact} name="USB serial">${of.usb_serial ?? "–"}<//>
			<${Fact} name="Operator">${of.operator ?? "–"}<//>
			<${Fact} name="Station">${of.station}<//>
			<${Fact} name="Ended">${when(of.ended_at)}<//>
			${of.permit && html`<${Fact} name="Interlock">${permitText(of.permit)}<//>`}
			${of.permit_message && html`<${Fact} name="The MES said">${of.permit_message}<//>`}
			<${Fact} name="Retries">${number(of.retries)}<//>
			<${Fact} name="Proof">${of.proof ?? "–"}<//>
			${Object.entries(of.versions ?? {}).map(
				([name, value]) => html`<${Fact} key=${name} name=${`Version: ${name}`}><code class="hash">${versionText(value)}</code><//>`,
			)}
		</dl>
		${of.steps.length > 0 && html`<${Steps} steps=${of.steps} />`}
		${of.regions.length > 0 && html`<${Regions} regions=${of.regions} />`}
		<${Label} of=${of} changed=${changed} />
		<${Files} of=${of} />
	</article>`;
}

const Several = ({ units }) => html`<section>
	<h1>Several units have this serial</h1>
	<ul class="several">
		${units.map((u) => html`<li key=${u.uid}><a href=${`/units/${u.uid}`} onClick=${go}>${u.uid}</a> · ${u.board} · last seen ${when(u.last_seen)}</li>`)}
	</ul>
</section>`;

function holds({ passed, attempts: [newest] }) {
	if (passed) return `what attempt ${passed} wrote and proved`;
	return newest?.kind === "deploy" && newest.verdict === "PASS" ? `what attempt ${newest.id} deployed and proved` : "nothing proved";
}

const whose = (n) => (n.kept ? `${n.state}: attempt ${n.kept} may have written it` : n.attempt ? `${n.state}, attempt ${n.attempt}` : n.state);

// Of all that the pool, the MES or a scanner gave it; nothing where it was given none.
function Numbers({ uid, mark }) {
	const [items, setItems] = useState([]);
	useEffect(() => {
		let over = false;
		getQuietly(`/numbers?uid=${uid}`).then((page) => !over && setItems(page.items), () => {});
		return () => (over = true);
	}, [uid, mark]);
	return items.length > 0 && html`<table class="yields"><caption>Its numbers</caption>
		<thead><tr><th scope="col">Kind</th><th scope="col">Number</th><th scope="col">State</th><th scope="col">From</th></tr></thead>
		<tbody>${items.map((n) => html`<tr key=${n.id}><th scope="row">${n.kind === "mac" ? "MAC" : "Serial"}</th><td><code>${n.value}</code></td><td>${whose(n)}</td><td>${n.source}</td></tr>`)}</tbody></table>`;
}

const History = ({ unit, changed }) => html`<section>
	<h1>Unit ${unit.serial ?? unit.uid}</h1>
	<dl class="facts">
		<${Fact} name="UID"><code>${unit.uid}</code><//>
		<${Fact} name="Serial">${unit.serial ?? "–"}<//>
		${unit.mac && html`<${Fact} name="MAC"><code>${unit.mac}</code><//>`}
		<${Fact} name="Board">${unit.board}<//>
		<${Fact} name="First seen">${when(unit.first_seen)}<//>
		<${Fact} name="Last seen">${when(unit.last_seen)}<//>
		<${Fact} name="Status">${unit.status}<//>
		<${Fact} name="Holds">${holds(unit)}<//>
		${unit.unfinished && html`<${Fact} name="Unfinished">yes: its flash may be half-written<//>`}
	</dl>
	<div class="orders">
		<a class="order quiet" href=${`/api/v1/units/${unit.uid}/log`} download=${`unit-${unit.serial ?? unit.uid}.txt`}>Log of this unit as text</a>
		<a class="order quiet" href=${`/units?uid=${unit.uid}`} onClick=${go}>Its attempts as a list</a>
	</div>
	<${Numbers} uid=${unit.uid} mark=${`${unit.attempts[0]?.id} ${unit.attempts[0]?.ended_at} ${unit.serial}`} />
	${unit.attempts.map((a) => html`<${Attempt} key=${a.id} of=${a} changed=${changed} />`)}
	${unit.attempts.length >= MOST && html`<p>Only the newest ${MOST} attempts are shown; the API has all: /api/v1/attempts?uid=${unit.uid}</p>`}
</section>`;

// name: a UID or a serial; "" when none is asked for yet
export function Screen({ name }) {
	const [found, setFound] = useState(null);
	const [asked, ask] = useState(0);
	useEffect(() => {
		let over = false;
		let timer;
		async function look(again) {
			let next;
			try {
				const { status, body } = await getWithStatus(`/units/${encodeURIComponent(name)}`, again);
				next = status === 300 ? { several: body.items } : { unit: body };
			} catch (refusal) {
				next = { refusal };
			}
			if (over) return;
			setFound(next);
			if (next.unit?.attempts.some((a) => !a.ended_at) || next.refusal?.status === 0 || asked + LABEL_MS > Date.now()) timer = setTimeout(look, AGAIN_MS, true);
		}
		setFound((before) => (before?.unit && [before.unit.uid, before.unit.serial].includes(name) ? before : null));
		if (name) look(false);
		return () => {
			over = true;
			clearTimeout(timer);
		};
	}, [name, asked]);
	if (!name) return html`<${Records} />`;
	return html`<main class="unit-page">
		${found?.refusal && html`<div role="alert"><h1>${name}</h1><p class="said">${ended(found.refusal.message)} <strong>${found.refusal.action}</strong></p></div>`}
		${found?.several && html`<${Several} units=${found.several} />`}
		${found?.unit && html`<${History} unit=${found.unit} changed=${() => ask(Date.now())} />`}
	</main>`;
}
