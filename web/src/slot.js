// One slot: what its lamp says, what it is doing, and on trouble what happened and what to do now.
import { html } from "./html.js";
import { isAcknowledged, lastOf } from "./latch.js";
import { slotOf, stationNow, timesOf } from "./live.js";
import { Order } from "./orders.js";
import { go } from "./place.js";
import { Shape } from "./shapes.js";
import { may } from "./session.js";
import { canRetry, inTrouble, isBusy, isRead, lookOf, messageOf, percentOf, permitText, STEPS, stepNumber, stepText } from "./words.js";

function secondsOf(slot) {
	const times = slot.attempt ? timesOf(slot.attempt) : null;
	if (isBusy(slot)) {
		const from = times?.started || Date.parse(slot.since);
		return from ? `${Math.max(0, Math.floor((stationNow() - from) / 1000))} s` : "";
	}
	return times?.ended && slot.verdict ? `${((times.ended - times.started) / 1000).toFixed(1)} s` : "";
}

// A component of its own, so that a tick of the clock draws these few letters and not the card.
const Seconds = ({ slot }) => html`<span class="seconds">${secondsOf(slot)}</span>`;

function Unit({ slot, link }) {
	const name = slot.serial ?? slot.uid;
	if (!name) return html`<span class="unit"></span>`;
	if (!link) return html`<span class="unit">${name}</span>`;
	return html`<a class="unit" href=${`/units/${slot.uid}`} onClick=${go}>${name}</a>`;
}

function Progress({ slot }) {
	const percent = percentOf(slot);
	return html`<div class="work">
		<div class="step">
			<span>${stepText(slot)}</span>
			<span class="count">${stepNumber(slot) ? `${stepNumber(slot)}/${STEPS.length}` : ""}</span>
			<span class="percent">${percent === null ? "" : `${percent} %`}</span>
		</div>
		<div
			class=${`progress ${percent === null ? "unsure" : ""}`}
			role="progressbar"
			aria-label=${`Slot ${slot.slot}: ${stepText(slot)}`}
			aria-valuemin="0"
			aria-valuemax="100"
			aria-valuenow=${percent}
		>
			<div style=${{ width: `${percent ?? 0}%` }}></div>
		</div>
	</div>`;
}

// Both sentences in full: the card may show less of them when it is small, the panel never does.
const Trouble = ({ slot }) => html`<div class="trouble">
	<p class="what">${messageOf(slot)}</p>
	<p class="todo">${slot.action}</p>
	<p class="code">${slot.code}</p>
</div>`;

function Hint({ slot }) {
	if (isRead(slot)) return null;
	if (!slot.enabled && slot.camera === "bootloader") return html`<p class="hint">A camera waits in its bootloader for a person's word.</p>`;
	if (!slot.enabled && slot.state !== "passed") return html`<p class="hint">Takes no camera. ${may("slots") ? "Press enable to use it again." : "A supervisor can enable it."}</p>`;
	if (slot.scanned && slot.state !== "passed") return html`<p class="hint">Its next unit gets the serial <strong class="unit">${slot.scanned}</strong>.</p>`;
	const last = lastOf(slot.slot);
	if (slot.state === "empty")
		return html`<p class="hint">Plug in a camera.${last && html` <span class="last">Last: <${Shape} name=${last.shape} /> ${last.word} ${last.unit ?? ""}</span>`}</p>`;
	if (slot.state === "running") return html`<p class="hint">A camera runs its program; nothing to do here.</p>`;
	if (slot.state === "passed") return html`<p class="hint">${slot.action ?? ""}</p>`;
	return null;
}

// A name that a person gave; the number stands there anyway.
const nameOf = (slot) => (slot.name && slot.name !== `slot ${slot.slot}` ? slot.name : slot.path);

export function SlotOrders({ slot }) {
	const at = `/slots/${slot.slot}`;
	return html`<div class="orders">
		${canRetry(slot) && html`<${Order} path=${`${at}/retry`} title=${`Retry slot ${slot.slot}`} label="Retry" right="work" />`}
		${(isBusy(slot) || isRead(slot)) &&
		html`<${Order} path=${`${at}/abort`} title=${`Abort slot ${slot.slot}`} label="Abort" sure="Abort: press again"
			tone="danger" right="work" />`}
		${slot.enabled
			? html`<${Order} path=${`${at}/disable`} title=${`Disable slot ${slot.slot}`} label="Disable" tone="quiet" right="slots" />`
			: html`<${Order} path=${`${at}/enable`} title=${`Enable slot ${slot.slot}`} label="Enable" right="slots" />`}
		<span class="place">${nameOf(slot)}</span>
	</div>`;
}

function Body({ slot, link }) {
	return html`<div class="body">
		<div class="who"><${Unit} slot=${slot} link=${link} /><${Seconds} slot=${slot} /></div>
		${slot.permit && html`<p class="permit">${permitText(slot.permit)}</p>`}
		${(isBusy(slot) || isRead(slot)) && html`<${Progress} slot=${slot} />`}
		${inTrouble(slot) && slot.code && html`<${Trouble} slot=${slot} />`}
		<${Hint} slot=${slot} />
	</div>`;
}

// Of the unit that was taken away, where the card has no room for a sentence.
function LastTag({ slot }) {
	const last = slot.state === "empty" ? lastOf(slot.slot) : null;
	return last && html`<span class="tag last-tag" title=${`Last: ${last.word} ${last.unit ?? ""}`}><${Shape} name=${last.shape} /><span class="unseen">last: ${last.word}</span></span>`;
}

function Lamp({ slot, look, brief }) {
	const tags = brief && slot.state === "empty" && lastOf(slot.slot) ? 2 : 0;
	return html`<div class="lamp" style=${{ "--letters": look.word.length + tags }}>
		<span class="number">${slot.slot}</span>
		<${Shape} name=${look.shape} />
		<span class="word">${look.word}</span>
		${slot.kind === "deploy" && slot.state !== "passed" && look.tone !== "idle" && look.tone !== "off" && html`<span class="tag">deploy</span>`}
		${!slot.enabled && look.tone !== "off" && html`<span class="tag">disabled</span>`}
		${inTrouble(slot) && isAcknowledged(slot) && html`<span class="tag">seen</span>`}
		${brief && html`<${LastTag} slot=${slot} />`}
	</div>`;
}

// roomy: the card has its own buttons; otherwise it is one button that opens the panel
// place: where the line file puts it; none without
export function Card({ number, roomy, picked, place, onPick }) {
	const slot = slotOf(number)?.value;
	if (!slot) return null;
	const look = lookOf(slot);
	return html`<li
		class=${`card tone-${look.tone} ${picked ? "picked" : ""}`}
		data-slot=${slot.slot}
		data-state=${slot.state}
		style=${place && { "--x": place.x + 1, "--y": place.y + 1 }}
	>
		<div class="inside">
			<${Lamp} slot=${slot} look=${look} brief=${!roomy} />
			<${Body} slot=${slot} link=${roomy} />
			${roomy && html`<${SlotOrders} slot=${slot} />`}
		</div>
		${!roomy &&
		html`<button type="button" class="pick" aria-pressed=${picked} aria-label=${`Slot ${slot.slot}, ${look.word}`}
			onClick=${onPick}></button>`}
	</li>`;
}

// The picked slot of a line with many: everything about it, and the buttons.
export function Panel({ number, onClose }) {
	const slot = slotOf(number)?.value;
	if (!slot) return null;
	const look = lookOf(slot);
	return html`<section class=${`panel tone-${look.tone}`} aria-label=${`Slot ${slot.slot}`}>
		<${Lamp} slot=${slot} look=${look} />
		<${Body} slot=${slot} link=${true} />
		<${SlotOrders} slot=${slot} />
		<button type="button" class="order quiet" onClick=${onClose}>Close</button>
	</section>`;
}
