// The line: every slot as it is now, where the fixture has it, else in the order of the slots.
import { Batches } from "./batch.js";
import { Challenge } from "./challenge.js";
import { html } from "./html.js";
import { Todo } from "./todo.js";
import { loaded, numbers, slotOf, station } from "./live.js";
import { pick, picked } from "./picked.js";
import { Card, Panel } from "./slot.js";
import { ended, inTrouble, lookOf, messageOf } from "./words.js";

const ROOMY = 8; // so many cards have room for buttons

// Columns that keep the cards large on a wide screen.
const COLUMNS = [[1, 1], [2, 2], [3, 3], [4, 2], [6, 3], [16, 4], [24, 6], [64, 8]];
const columnsFor = (count) => COLUMNS.find(([most]) => count <= most)?.[1] ?? 16;

// Where the line file puts each slot, by number; empty unless every slot has a place.
function picture() {
	const places = new Map((station.value?.picture ?? []).map((place) => [place.slot, place]));
	return numbers.value.every((n) => places.has(n)) ? places : new Map();
}

// What a screen reader is told without looking for it: the slots in trouble, in words.
function Spoken() {
	const told = numbers.value
		.map((n) => slotOf(n)?.value)
		.filter((slot) => slot && inTrouble(slot))
		.map((slot) => `Slot ${slot.slot}: ${lookOf(slot).word}. ${ended(messageOf(slot))} ${slot.action ?? ""}`);
	return html`<div class="unseen" role="status">${told.join(" ")}</div>`;
}

export function Line() {
	const count = numbers.value.length;
	const roomy = count <= ROOMY;
	const places = picture();
	const columns = 1 + Math.max(-1, ...[...places.values()].map((place) => place.x));
	const size = roomy ? "roomy" : count <= 24 ? "close" : "dense";
	return html`<main class=${`line line-${size}`}>
		<h1 class="unseen">Line</h1>
		<${Batches} />
		<${Challenge} />
		<${Todo} />
		<${Spoken} />
		${loaded.value && !count && html`<p class="nothing">No camera has been plugged in yet. Each USB port becomes a slot when the first camera is plugged into it.</p>`}
		<ul class=${`slots ${size} ${columns ? "placed" : ""}`} style=${{ "--columns": columns || columnsFor(count) }}>
			${numbers.value.map(
				(n) => html`<${Card} key=${n} number=${n} roomy=${roomy} picked=${picked.value === n} place=${places.get(n)}
					onPick=${() => pick(picked.value === n ? 0 : n)} />`,
			)}
		</ul>
		${!roomy && picked.value > 0 && html`<${Panel} number=${picked.value} onClose=${() => pick(0)} />`}
	</main>`;
}
