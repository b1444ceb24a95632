// What the MES is told: how far, what went wrong last, and what it would not take.
import { useEffect, useState } from "preact/hooks";
import { getQuietly } from "./api.js";
import { html } from "./html.js";
import { Order } from "./orders.js";
import { Refused, when } from "./records.js";
import { ended } from "./words.js";

const AGAIN_MS = 3000;
const STATES = {
	off: "○ No webhook is configured: nothing is told.", idle: "● All is told.", sending: "▶ Telling.",
	waiting: "▲ Waiting for the next try.",
};

const age = (ms) => (ms < 1000 ? "–" : ms < 120000 ? `${Math.round(ms / 1000)} s` : ms < 7200000 ? `${Math.round(ms / 60000)} min` : `${Math.round(ms / 3600000)} h`);
const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

const Facts = ({ mes }) => html`<dl class="facts">
	<${Fact} name="Waiting in the queue">${mes.behind_rows} rows<//>
	<${Fact} name="The oldest is">${age(mes.behind_ms)}<//>
	<${Fact} name="Told up to row">${mes.told}<//>
	<${Fact} name="Taken since the start">${mes.taken}<//>
	<${Fact} name="Tries that failed">${mes.failed}<//>
	<${Fact} name="Next try">${when(mes.next_try)}<//>
	<${Fact} name="Not taken, waiting here">${mes.parked}<//>
	<${Fact} name="Interlock">${mes.interlock ? "the MES is asked before each unit" : "the MES is not asked"}<//>
</dl>`;

const Parked = ({ items, again }) => html`<div class="scroll tall" tabindex="0" role="region" aria-label="Not taken"><table>
	<thead><tr><th scope="col" class="n">Row</th><th scope="col">Event</th><th scope="col" class="n">The MES answered</th><th scope="col">At</th><th scope="col">Number of the event</th><td></td></tr></thead>
	<tbody>${items.map((p) => html`<tr key=${p.row}><th scope="row" class="n">${p.row}</th><td>${p.event}</td><td class="n">${p.status}</td><td>${when(p.at)}</td>
		<td><code class="hash">${p.id}</code></td><td><${Order} path=${`/mes/parked/${p.row}/drop`} title=${`Drop row ${p.row}`} label="Drop" sure="Drop: press again" tone="danger" right="mes" done=${again} /></td></tr>`)}</tbody>
</table></div>`;

export function Part() {
	const [found, setFound] = useState(null);
	const [asked, ask] = useState(0);
	useEffect(() => {
		let over = false, timer;
		const look = async () => {
			const next = await Promise.all([getQuietly("/mes"), getQuietly("/mes/parked?limit=200")]).then(
				([mes, parked]) => ({ mes, parked }), (refusal) => ({ refusal }));
			if (over) return;
			setFound(next);
			timer = setTimeout(look, AGAIN_MS);
		};
		look();
		return () => ((over = true), clearTimeout(timer));
	}, [asked]);
	if (!found) return null;
	if (found.refusal) return html`<${Refused} refusal=${found.refusal} />`;
	const { mes, parked } = found;
	const again = () => ask(asked + 1);
	return html`
		<section class="block"><h2>${mes.state === "idle" && mes.parked ? "▲ All is told but what is listed below." : (STATES[mes.state] ?? mes.state)}</h2>
			${mes.last_error && html`<p class="said">The last try failed: ${ended(mes.last_error)} <strong>It is tried again by itself; nothing is lost.</strong></p>`}
			<${Facts} mes=${mes} />
		</section>
		<section class="block"><h2>What the MES would not take</h2>
			${!parked.items.length && html`<p class="sum">Nothing.</p>`}
			${parked.items.length > 0 && html`<div class="orders"><${Order} path="/mes/resend" title="Send all of these again" label="Send all of these again" right="mes" done=${again} /></div>
				<${Parked} items=${parked.items} again=${again} />`}
			${parked.next && html`<p>There are more than these.</p>`}
		</section>`;
}
