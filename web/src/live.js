// The line as it is now: slots, batches, station, kept up to date.
//
// One EventSource brings slots as they change.  Beside it the whole line is asked for, seldom while events flow, often
// while they do not: that finds what an event missed, shows a connection that hangs, and catches up after a break.
import { batch, computed, signal } from "@preact/signals";
import { getQuietly as get } from "./api.js";
import { needed } from "./session.js";
import { isBusy } from "./words.js";

const POLL_MS = 500; // without events
const CHECK_MS = 2000; // beside them
// Rows of the journal after which batches or the station look different.
const ASK_ON = [
	"reset", "batch-opened", "batch-held", "batch-resumed", "batch-closed", "station-held", "station-resumed", "slot-added",
	"shift-started", "shift-ended",
];
const LISTEN_AGAIN_MS = 5000;
const GATHER_MS = 40; // slots change many times a second: drawn in one go
export const STALE_MS = 15000;

export const numbers = signal([]); // of the slots, in order
export const station = signal(null);
export const batches = signal([]);
export const shift = signal(null); // while there is something to show or to start, else null
export const now = signal(Date.now()); // ticks
export const heard = signal(Date.now()); // when the station last said something
export const trouble = signal(false); // the last question got no answer
export const loaded = signal(false);
export const stale = computed(() => now.value - heard.value > STALE_MS);
export const streaming = signal(false);

const slots = new Map(); // number -> signal of the slot
const touched = new Map(); // number -> when an event last brought it
const attempts = new Map(); // id -> signal of its times
const recipes = new Map(); // sha256 -> promise
let waiting = new Map(); // slots that events brought, not yet drawn
let clockOffset = 0; // the station's clock ahead of ours

export const slotOf = (number) => slots.get(number);
export const stationNow = () => now.value + clockOffset;

function put(slot) {
	const known = slots.get(slot.slot);
	if (known) known.value = slot;
	else slots.set(slot.slot, signal(slot));
	if (slot.attempt) followAttempt(slot);
}

// Slots that an event has brought since the question was asked are newer than the answer.
function putAll(list, asked) {
	batch(() => {
		for (const slot of list) if (!(touched.get(slot.slot) >= asked)) put(slot);
		const order = list.map((slot) => slot.slot).sort((a, b) => a - b);
		for (const number of slots.keys()) if (!order.includes(number)) slots.delete(number);
		if (order.join() !== numbers.value.join()) numbers.value = order;
	});
}

// --- an attempt's times: asked for when it begins and when it is over

export const timesOf = (id) => attempts.get(id)?.value ?? null;

function timesSignal(id) {
	if (!attempts.has(id)) attempts.set(id, signal(null));
	if (attempts.size > 1000) attempts.delete(attempts.keys().next().value);
	return attempts.get(id);
}

function keepTimes(times, attempt) {
	times.value = { started: Date.parse(attempt.started_at), ended: attempt.ended_at ? Date.parse(attempt.ended_at) : 0 };
}

function followAttempt(slot) {
	const times = timesSignal(slot.attempt);
	const want = isBusy(slot) ? "started" : "ended";
	if (times.value?.[want] || times.asking) return;
	times.asking = true;
	get(`/attempts/${slot.attempt}`)
		.then((attempt) => keepTimes(times, attempt))
		.catch(() => {}) // the next look at the slot asks again
		.finally(() => (times.asking = false));
}

// --- questions

export function recipeOf(sha256) {
	if (!recipes.has(sha256))
		recipes.set(
			sha256,
			get(`/recipes/${sha256}`).catch(() => {
				recipes.delete(sha256);
				return null;
			}),
		);
	return recipes.get(sha256);
}

async function askSlots() {
	const asked = performance.now();
	const page = await get("/slots?limit=1000");
	flush();
	putAll(page.items, asked);
}

// PASSes of the last hour, an hour: asked for once a minute, or when the batch has more of them.
const PACE_MS = 60000, PACE_AGAIN_MS = 5000, HOUR_MS = 3600000;
const paces = new Map(); // batch -> { pace, at, passed }

function paceOf(batch, stationTime) {
	const known = paces.get(batch.id) ?? { pace: 0, at: 0, passed: -1 };
	const age = Date.now() - known.at;
	if (known.asking || age < PACE_AGAIN_MS || (age < PACE_MS && known.passed === batch.passed)) return known.pace;
	known.asking = true;
	paces.set(batch.id, known);
	const from = Math.max(stationTime - HOUR_MS, Date.parse(batch.opened_at));
	get(`/stats?batch=${batch.id}&from=${new Date(from).toISOString()}`)
		.then(({ pass }) => Object.assign(known, { pace: stationTime > from ? (pass * HOUR_MS) / (stationTime - from) : 0, passed: batch.passed }))
		.catch(() => {}) // the next look asks again
		.finally(() => Object.assign(known, { asking: false, at: Date.now() }));
	return known.pace;
}

async function askBatches() {
	const seen = await get("/station");
	const full = await Promise.all(
		seen.batches.map(async (b) => {
			const whole = { ...(await get(`/batches/${b.id}`)), ...b, recipeFile: await recipeOf(b.recipe) };
			return { ...whole, pace: paceOf(whole, Date.parse(seen.time)) };
		}),
	);
	const challenge = seen.shift === "none" || seen.shift === "challenge" ? await get("/shift") : null;
	clockOffset = Date.parse(seen.time) - Date.now();
	batch(() => {
		shift.value = challenge;
		station.value = seen;
		batches.value = full;
	});
}

let asking = false,
	again = false;

async function refresh() {
	if (needed.value) return; // nothing is told to nobody
	if (asking) {
		again = true;
		return;
	}
	asking = true;
	try {
		await Promise.all([askSlots(), askBatches()]);
		batch(() => {
			heard.value = now.value = Date.now();
			trouble.value = false;
			loaded.value = true;
		});
	} catch {
		trouble.value = true;
	}
	asking = false;
	if (again) {
		again = false;
		setTimeout(refresh, 0);
	}
}

async function pollForEver() {
	for (;;) {
		await refresh();
		await new Promise((done) => setTimeout(done, streaming.value ? CHECK_MS : POLL_MS));
	}
}

// --- events

function flush() {
	if (!waiting.size) return;
	const list = waiting;
	waiting = new Map();
	let rested = false;
	batch(() => {
		for (const [number, slot] of list) {
			const before = slots.get(number);
			rested ||= !before || isBusy(before.value) !== isBusy(slot) || before.value.state !== slot.state;
			put(slot);
			if (!before) numbers.value = [...slots.keys()].sort((a, b) => a - b);
		}
		heard.value = Date.now();
	});
	if (rested) refresh(); // the counters move with it
}

function slotCame(event) {
	const slot = JSON.parse(event.data);
	touched.set(slot.slot, performance.now());
	if (!waiting.size) setTimeout(flush, GATHER_MS);
	waiting.set(slot.slot, slot);
}

const attemptCame = (event) => {
	const attempt = JSON.parse(event.data);
	keepTimes(timesSignal(attempt.id), attempt);
};

function listen() {
	if (needed.value) {
		setTimeout(listen, LISTEN_AGAIN_MS);
		return;
	}
	const source = new EventSource("/api/v1/events");
	source.addEventListener("open", () => {
		streaming.value = true;
		refresh();
	});
	source.addEventListener("slot", slotCame);
	for (const kind of ["attempt-started", "attempt-ended"]) source.addEventListener(kind, attemptCame);
	for (const kind of ASK_ON) source.addEventListener(kind, refresh);
	source.addEventListener("error", () => {
		streaming.value = false;
		if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
		setTimeout(listen, LISTEN_AGAIN_MS);
	});
}

export function start() {
	setInterval(() => (now.value = Date.now()), 250);
	listen();
	pollForEver();
}
export { refresh };
