// Cards for the scanner, printed on paper: commands, the slots' labels, a batch.
import { useState } from "preact/hooks";
import { correction, generate } from "lean-qr";
import { toSvgPath } from "lean-qr/extras/svg";
import { html } from "./html.js";
import { forget, known, LAYOUT_CARD } from "./layout.js";
import { numbers } from "./live.js";
import { useAnswer } from "./records.js";

const COMMANDS = [
	["CMD:ACK", "Acknowledge"], ["CMD:RETRY", "Retry this slot"], ["CMD:ABORT", "Stop this slot", "twice"],
	["CMD:ENABLE", "Enable this slot"], ["CMD:DISABLE", "Disable this slot"],
	["CMD:HOLD", "Hold the batch"], ["CMD:RESUME", "Resume the batch"], ["CMD:CLOSE", "Close the batch", "twice"],
	["CMD:SHIFT START", "Start the shift"], ["CMD:SHIFT END", "End the shift"],
	["CMD:LINE", "Back to the line"], ["CMD:MUTE", "Sound off"], ["CMD:UNMUTE", "Sound on"], ["CMD:LOGOUT", "Log out"],
];
const QUIET = 4; // modules around the code

function Code({ text, name }) {
	const code = generate(text, { minCorrectionLevel: correction.M });
	const size = code.size + 2 * QUIET;
	return html`<svg class="qr" viewBox=${`${-QUIET} ${-QUIET} ${size} ${size}`} shape-rendering="crispEdges" role="img" aria-label=${`QR code ${name ?? `of ${text}`}`}>
		<rect x=${-QUIET} y=${-QUIET} width=${size} height=${size} fill="#fff" /><path d=${toSvgPath(code)} fill="#000" /></svg>`;
}

const Card = ({ text, title, note }) => html`<li class="code-card" data-card=${text}>
	<${Code} text=${text} /><div><strong>${title}</strong>${note && html`<em>scan it ${note}</em>`}<code>${text}</code></div></li>`;

function BatchCard() {
	const recipes = useAnswer("/recipes?limit=1000");
	const [card, setCard] = useState(null);
	const items = recipes?.body?.items.filter((r) => !r.revoked && r.state === "active") ?? [];
	function make(event) {
		event.preventDefault();
		const { order, recipe, quantity } = Object.fromEntries(new FormData(event.currentTarget));
		const of = items.find((r) => r.sha256 === recipe);
		setCard({ text: `BT:${order.trim()};${of.name};${of.version};${quantity}`, title: `Order ${order.trim()}: ${quantity} of ${of.name} ${of.version}` });
	}
	return html`<section class="block"><h2>A batch</h2>
		<form class="filter bare" onSubmit=${make} aria-label="A batch card">
			<label class="field"><span>Order</span><input name="order" required maxlength="64" pattern="[^;]+" title="no semicolon" autocomplete="off" /></label>
			<label class="field wide"><span>Recipe</span><select name="recipe" required>${items.map((r) => html`<option key=${r.sha256} value=${r.sha256}>${r.name} ${r.version} · ${r.board}</option>`)}</select></label>
			<label class="field"><span>Quantity</span><input name="quantity" type="number" required min="1" max="10000000" step="1" /></label>
			<button type="submit" class="order" disabled=${!items.length}>Make the card</button>
		</form>
		${card && html`<ul class="code-cards"><${Card} ...${card} /></ul>`}
	</section>`;
}

// Not only for paper: it may be scanned from this page.
function Layout() {
	const map = known.value;
	return html`<section class="block"><h2>The layout card</h2>
		<p>For a scanner that types as on another keyboard than this computer's: scanned once at a screen, it teaches that browser what each of the scanner's keys means.</p>
		<p class="no-print"><strong>${map ? "This screen knows its scanner." : "This screen has read no layout card; it takes what is typed, and refuses what is in doubt."}</strong></p>
		<ul class="code-cards"><li class="code-card large" data-card="layout"><${Code} text=${LAYOUT_CARD} name="of the layout card" /><div><strong>Layout card</strong><em>scan it once at each screen</em></div></li></ul>
		${map && html`<div class="orders"><button type="button" class="order quiet" onClick=${forget}>Forget this scanner</button></div>`}
	</section>`;
}

function ChallengeCard() {
	const recipes = useAnswer("/recipes?limit=1000");
	const [of, setOf] = useState(null);
	const items = recipes?.body?.items.filter((r) => !r.revoked && r.state === "active") ?? [];
	function make(event) {
		event.preventDefault();
		setOf(items.find((r) => r.sha256 === new FormData(event.currentTarget).get("recipe")));
	}
	return html`<section class="block"><h2>A challenge unit</h2>
		<p>For the first units of a shift: disable the slot by its cards, put the unit into it in its bootloader, scan the slot's label and then this card. Any other camera is refused and left as it was.</p>
		<form class="filter bare" onSubmit=${make} aria-label="A challenge card">
			<label class="field wide"><span>Recipe</span><select name="recipe" required>${items.map((r) => html`<option key=${r.sha256} value=${r.sha256}>${r.name} ${r.version} · ${r.board}</option>`)}</select></label>
			<button type="submit" class="order" disabled=${!items.length}>Make the card</button>
		</form>
		${of && html`<ul class="code-cards"><${Card} text=${`CH:${of.name};${of.version}`} title=${`Show a challenge unit: ${of.name} ${of.version}`} note="after the slot's label" /></ul>`}
	</section>`;
}

export function Part() {
	return html`
		<section class="block no-print"><h2>Cards for the scanner</h2>
			<p>A badge's card is <code>OP:</code> and the badge, a serial's <code>SN:</code> and the serial. A card "this slot" means the slot whose label was scanned just before.</p>
			<div class="orders"><button type="button" class="order" onClick=${() => print()}>Print these cards</button></div>
		</section>
		<${Layout} />
		<section class="block"><h2>Commands</h2><ul class="code-cards">${COMMANDS.map(([text, title, note]) => html`<${Card} key=${text} text=${text} title=${title} note=${note} />`)}</ul></section>
		<section class="block"><h2>Labels of the slots</h2>
			${!numbers.value.length && html`<p class="sum">There is no slot yet.</p>`}
			<ul class="code-cards">${numbers.value.map((n) => html`<${Card} key=${n} text=${`SL:${n}`} title=${`Slot ${n}`} />`)}</ul></section>
		<${BatchCard} /><${ChallengeCard} />`;
}
