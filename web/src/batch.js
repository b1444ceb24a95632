// Batches: how far each is, and hold, resume, close.
import { html } from "./html.js";
import { batches, loaded, station } from "./live.js";
import { Order } from "./orders.js";
import { go } from "./place.js";
import { may } from "./session.js";
import { ended } from "./words.js";

const percent = (part, whole) => (whole > 0 ? `${((part * 100) / whole).toFixed(1)} %` : "–");

// At the last hour's pace.
function leftText({ pace, quantity, passed }) {
	if (passed >= quantity) return "done";
	if (!pace) return "–";
	const minutes = Math.ceil(((quantity - passed) / pace) * 60);
	return minutes < 60 ? `${minutes} min` : minutes < 6000 ? `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}` : `${Math.round(minutes / 1440)} days`;
}

const Figure = ({ name, value, tone }) =>
	html`<div class=${`figure ${tone ?? ""}`}><dt>${name}</dt><dd>${value}</dd></div>`;

export function BatchOrders({ of }) {
	const at = `/batches/${of.id}`;
	return html`<div class="orders">
		${of.state === "held"
			? html`<${Order} path=${`${at}/resume`} title=${`Resume batch ${of.order}`} label="Resume" right="release" />`
			: html`<${Order} path=${`${at}/hold`} title=${`Hold batch ${of.order}`} label="Hold" tone="quiet" right="hold" />`}
		<${Order} path=${`${at}/close`} title=${`Close batch ${of.order}`} label="Close" sure="Close: press again"
			tone="danger" right="release" />
	</div>`;
}

function Batch({ of }) {
	const { pass, fail, error, aborted, refused } = of.attempts;
	const recipe = of.recipeFile;
	const share = of.quantity > 0 ? Math.min(100, (of.passed * 100) / of.quantity) : 0;
	return html`<section class="batch" aria-label=${`Batch ${of.order}`} data-batch=${of.id}>
		<div class="order-name">
			<h2><a href=${`/batches/${of.id}`} onClick=${go}>${of.order}</a></h2>
			<p>${recipe ? `${recipe.name} ${recipe.version}` : of.recipe.slice(0, 12)} · ${of.board}</p>
		</div>
		<div class="done">
			<p><strong>${of.passed}</strong> / ${of.quantity} passed</p>
			<div class="progress" role="progressbar" aria-label="passed of the quantity" aria-valuemin="0"
				aria-valuemax=${of.quantity} aria-valuenow=${of.passed}><div style=${{ width: `${share}%` }}></div></div>
		</div>
		<dl>
			<${Figure} name="running" value=${of.running} />
			<${Figure} name="failed" value=${fail} tone=${fail ? "fail" : ""} />
			<${Figure} name="error" value=${error} tone=${error ? "error" : ""} />
			<${Figure} name="refused" value=${refused} />
			<${Figure} name="aborted" value=${aborted} />
			<${Figure} name="yield" value=${percent(pass, pass + fail)} />
			<${Figure} name="an hour" value=${of.pace ? Math.round(of.pace) : "–"} />
			<${Figure} name="left" value=${leftText(of)} />
		</dl>
		<${BatchOrders} of=${of} />
	</section>`;
}

// Why nothing starts: the station is held, or a batch is.
export function Held() {
	const now = station.value;
	const held = batches.value.filter((b) => b.state === "held");
	return html`<div role="alert">
		${now?.state === "held" &&
		html`<p class="held"><strong>STATION HELD.</strong> ${ended(now.message)} <strong>${now.action}</strong></p>`}
		${held.map(
			(b) => html`<p class="held" key=${b.id}><strong>BATCH ${b.order} HELD.</strong> ${ended(b.message)}
				<strong> Nothing starts until it is resumed.</strong></p>`,
		)}
	</div>`;
}

export function Batches() {
	if (loaded.value && !batches.value.length)
		return html`<p class="no-batch"><strong>No batch is open.</strong> ${may("batches") ? html`<a href="/batches" onClick=${go}>Open one</a>, then plug in cameras.` : "Call somebody who may open one."}</p>`;
	return html`<div class="batches">${batches.value.map((b) => html`<${Batch} key=${b.id} of=${b} />`)}</div>`;
}
