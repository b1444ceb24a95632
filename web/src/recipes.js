// Recipes: brought in, looked into, approved by so many people as the station asks for, taken into and out of use.
import { useEffect, useState } from "preact/hooks";
import { get, getBytes, post, postBytes } from "./api.js";
import { html } from "./html.js";
import { stale } from "./live.js";
import { notice } from "./orders.js";
import { go, goTo } from "./place.js";
import { Refused, useAnswer, when } from "./records.js";
import { may } from "./session.js";

const LIFE = ["draft", "approved", "active", "retired"];
const MARKS = { draft: "○", approved: "◐", active: "●", retired: "◌", revoked: "✕" };
const stateOf = (r) => (r.revoked ? "revoked" : r.state);
const number = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en-GB"));
const State = ({ of }) => html`<span class="state">${MARKS[stateOf(of)]} ${stateOf(of)}</span>`;
const signersOf = (r) => r.signers.map((s) => `${s.key} (${s.roles.join(", ") || "no role"})`).join(", ") || "nobody";

// --- bringing one in

function Upload() {
	const [busy, setBusy] = useState(false);
	async function submit(event) {
		event.preventDefault();
		const file = event.currentTarget.elements.file.files[0];
		if (!file) return;
		setBusy(true);
		try {
			const recipe = await postBytes("/recipes", file);
			notice.value = null;
			goTo(`/recipes/${recipe.sha256}`);
		} catch (refusal) {
			notice.value = { title: `The recipe ${file.name}`, text: refusal.message, action: refusal.action, code: refusal.code };
		}
		setBusy(false);
	}
	return html`<section class="block"><h2>Bring in a recipe</h2>
		<form class="filter bare" onSubmit=${submit} aria-label="Bring in a recipe">
			<label class="field wide"><span>Signed recipe (.img)</span><input name="file" type="file" required accept=".img" /></label>
			<button type="submit" class="order" disabled=${busy || stale.value}>${busy ? "Verifying …" : "Bring in"}</button>
		</form></section>`;
}

function List() {
	const found = useAnswer("/recipes?limit=1000");
	return html`<section class="block"><h2>All recipes</h2>
		${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
		${found?.body && !found.body.items.length && html`<p class="sum">There is none yet.</p>`}
		${found?.body?.items.length > 0 && html`<div class="scroll tall" tabindex="0" role="region" aria-label="All recipes"><table>
			<thead><tr><th scope="col">Recipe</th><th scope="col">State</th><th scope="col">Board</th><th scope="col" class="n">Rollback</th><th scope="col" class="n">Bytes</th>
				<th scope="col" class="n">Units</th><th scope="col">Came</th><th scope="col">SHA-256</th></tr></thead>
			<tbody>${found.body.items.map((r) => html`<tr key=${r.sha256}><th scope="row"><a href=${`/recipes/${r.sha256}`} onClick=${go}>${r.name} ${r.version}</a></th>
				<td><${State} of=${r} /></td><td>${r.board}</td><td class="n">${r.rollback}</td><td class="n">${number(r.bytes)}</td><td class="n">${number(r.units_written)}</td>
				<td>${when(r.added_at)}</td><td><code class="hash">${r.sha256.slice(0, 16)}…</code></td></tr>`)}</tbody>
		</table></div>`}
	</section>`;
}

// --- what is inside

function Tree({ entries }) {
	return html`<div class="tree"><table>
		<thead><tr><th scope="col">File</th><th scope="col" class="n">Bytes</th><th scope="col" class="n">Offset</th><th scope="col" class="n">Aligned to</th><th scope="col">CRC-32</th></tr></thead>
		<tbody>${entries.map((f) => html`<tr key=${`${f.path ?? f.path_hex}@${f.offset}`}><th scope="row">${f.path ?? f.path_hex}${f.type === "dir" ? "/" : ""}</th><td class="n">${number(f.size)}</td>
			<td class="n">${number(f.offset)}</td><td class="n">${number(f.align)}</td><td>${f.crc32 ? html`<code>${f.crc32}</code>` : "–"}</td></tr>`)}</tbody></table></div>`;
}

function Region({ sha256, board, region }) {
	const [inside, setInside] = useState(null);
	async function look() {
		setInside({});
		try {
			const blob = await getBytes(`/recipes/${sha256}/payloads/${encodeURIComponent(region.partition)}`, () => {});
			setInside({ image: await postBytes(`/images?board=${board}&partition=${encodeURIComponent(region.partition)}`, blob) });
		} catch (refusal) {
			setInside({ refusal });
		}
	}
	return html`<article class="region"><h3>${region.partition}</h3>
		<dl class="facts">
			<div><dt>Kind</dt><dd>${region.kind}</dd></div><div><dt>Bytes</dt><dd>${number(region.length)}</dd></div>
			<div><dt>CRC-32</dt><dd><code>${region.crc32}</code></dd></div><div><dt>Tail</dt><dd>${region.tail}</dd></div>
			${region.fields && html`<div><dt>Filled in for each unit</dt><dd>${region.fields === 1 ? "1 field" : `${region.fields} fields`}</dd></div>`}
			<div><dt>May be less aligned</dt><dd>${region.misaligned_ok?.join(", ") || "nothing"}</dd></div>
			<div><dt>SHA-256</dt><dd><code class="hash">${region.sha256}</code></dd></div>
		</dl>
		${region.kind === "romfs" && !inside && html`<div class="orders"><button type="button" class="order quiet" onClick=${look}>Look into ${region.partition}</button></div>`}
		${inside?.refusal && html`<${Refused} refusal=${inside.refusal} />`}
		${inside?.image && html`<${Tree} entries=${inside.image.entries ?? []} />`}
	</article>`;
}

// --- its life

const STEPS = {
	draft: [["approve", "Approve"]],
	approved: [["activate", "Activate"], ["retire", "Retire"]],
	active: [["retire", "Retire"]],
	retired: [["activate", "Activate again"]],
};

function Life({ of, changed }) {
	const [armed, setArmed] = useState("");
	async function say(event, word) {
		const form = new FormData(event.currentTarget.form);
		if ((word === "revoke" || word === "retire") && armed !== word) return setArmed(word);
		setArmed("");
		const body = { by: form.get("by").trim() || null };
		if (word === "revoke" || word === "retire") body.reason = form.get("reason").trim() || null;
		try {
			await post(`/recipes/${of.sha256}/${word}`, body);
			notice.value = null;
		} catch (refusal) {
			notice.value = { title: `To ${word} ${of.name} ${of.version}`, text: refusal.message, action: refusal.action, code: refusal.code };
		}
		changed();
	}
	const button = (word, label, tone) => html`<button key=${word} type="button" class=${`order ${tone} ${armed === word ? "armed" : ""}`} disabled=${stale.value}
		onClick=${(event) => say(event, word)}>${armed === word ? `${label}: press again` : label}</button>`;
	return html`<section class="block"><h2>Life</h2>
		<ol class="life">${LIFE.map((s) => html`<li key=${s} aria-current=${!of.revoked && of.state === s ? "step" : undefined}>${MARKS[s]} ${s}</li>`)}${of.revoked && html`<li aria-current="step">${MARKS.revoked} revoked</li>`}</ol>
		<ul class="findings">
			<li>Came ${when(of.added_at)}${of.added_by ? ` by ${of.added_by}` : ""}, signed by ${signersOf(of)}.</li>
			${of.approvals.map((a) => html`<li key=${a.at}>Approved ${when(a.at)} by ${a.by ?? "somebody"}.</li>`)}
			${of.activated_at && html`<li>Activated ${when(of.activated_at)} by ${of.activated_by ?? "somebody"}.</li>`}
			${of.retired_at && html`<li>Retired ${when(of.retired_at)} by ${of.retired_by ?? "somebody"}.</li>`}
			${of.revoked && html`<li>Revoked ${when(of.revoked_at)} by ${of.revoked_by ?? "somebody"}${of.revoked_reason ? `: ${of.revoked_reason}` : ""}.</li>`}
		</ul>
		${!of.revoked && (may("approve") || may("revoke")) && html`<form class="filter bare" aria-label="Its life" onSubmit=${(event) => event.preventDefault()}>
			<label class="field"><span>Who says so</span><input name="by" maxlength="128" autocomplete="off" /></label>
			<label class="field"><span>Why</span><input name="reason" maxlength="128" autocomplete="off" /></label>
			${may("approve") && STEPS[of.state].map(([word, label]) => button(word, label, word === "retire" ? "quiet" : ""))}
			${may("revoke") && button("revoke", "Revoke for good", "danger")}
		</form>`}
	</section>`;
}

function One({ sha256 }) {
	const [found, setFound] = useState(null);
	const look = () => get(`/recipes/${sha256}`).then((recipe) => setFound({ recipe }), (refusal) => setFound({ refusal }));
	useEffect(() => void look(), [sha256]);
	if (!found) return html`<p role="status">Looking …</p>`;
	if (found.refusal) return html`<${Refused} refusal=${found.refusal} />`;
	const r = found.recipe;
	return html`<section class="block"><h2>${r.name} ${r.version} <${State} of=${r} /></h2>
			<dl class="facts">
				<div><dt>Board</dt><dd>${r.board}</dd></div><div><dt>Rollback number</dt><dd>${r.rollback}</dd></div><div><dt>Bytes</dt><dd>${number(r.bytes)}</dd></div>
				<div><dt>Not before</dt><dd>${r.limits.not_before ?? "any time"}</dd></div><div><dt>Not after</dt><dd>${r.limits.not_after ?? "any time"}</dd></div>
				<div><dt>Units at most</dt><dd>${number(r.limits.units)}</dd></div><div><dt>Units written</dt><dd>${number(r.units_written)}</dd></div>
				<div><dt>Afterwards the camera</dt><dd>${r.after.mode === "run" ? "runs" : "stays in its bootloader"}</dd></div>
				<div><dt>SHA-256</dt><dd><code class="hash">${r.sha256}</code></dd></div>
			</dl>
			<div class="orders"><a class="order quiet" href=${`/quality?recipe=${r.sha256}`} onClick=${go}>Quality</a><a class="order quiet" href=${`/units?recipe=${r.sha256}`} onClick=${go}>Attempts</a></div>
		</section>
		<${Life} of=${r} changed=${look} />
		<section class="block"><h2>Inside</h2>${r.regions.map((g) => html`<${Region} key=${g.partition} sha256=${r.sha256} board=${r.board} region=${g} />`)}</section>`;
}

export function Screen({ rest }) {
	return html`<main class="page">
		<h1>Recipes</h1>
		${rest ? html`<${One} key=${rest} sha256=${rest} />` : html`${may("recipes") && html`<${Upload} />`}<${List} />`}
	</main>`;
}
