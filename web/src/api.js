// Talking to the station: answers as objects, refusals as sentences.

const BASE = "/api/v1";
const DEADLINE_MS = 8000;
const BYTES_MS = 60000; // of a whole image upwards, of one piece of it downwards

// What went wrong and what to do about it, in the station's own words where it gave any.
export class Refusal extends Error {
	constructor(status, problem) {
		super(problem.detail ?? problem.title ?? `The station answered ${status}.`);
		this.status = status;
		this.code = problem.code ?? "no-answer";
		this.action = problem.action ?? "Try again; if it repeats call engineering.";
	}
}

// What the page asks by itself: it does not keep anybody logged in.
const BY_ITSELF = { headers: { "Romline-Background": "1" } };

let refused = () => {};
// Called with each refusal of a question.
export const whenRefused = (call) => (refused = call);

async function ask(path, options, ms = DEADLINE_MS) {
	let answer;
	try {
		answer = await fetch(BASE + path, { ...options, cache: "no-store", signal: AbortSignal.timeout(ms) });
	} catch {
		throw new Refusal(0, {
			detail: "The station does not answer.",
			action: "Check that stationd runs; this page goes on by itself when it is back.",
		});
	}
	const body = await answer.json().catch(() => ({}));
	// 300: several units have that serial; the list to choose from is an answer, too
	if (!answer.ok && answer.status !== 300) {
		const refusal = new Refusal(answer.status, body);
		refused(refusal);
		throw refusal;
	}
	return { status: answer.status, body };
}

// Octets, told as they come; each piece has the deadline anew.
export async function getBytes(path, told) {
	const stop = new AbortController();
	let timer = setTimeout(() => stop.abort(), BYTES_MS);
	const pieces = [];
	let done = 0;
	try {
		const answer = await fetch(BASE + path, { cache: "no-store", signal: stop.signal });
		if (!answer.ok) throw new Refusal(answer.status, await answer.json().catch(() => ({})));
		const total = Number(answer.headers.get("Content-Length"));
		for await (const piece of piecesOf(answer.body.getReader())) {
			clearTimeout(timer);
			timer = setTimeout(() => stop.abort(), BYTES_MS);
			pieces.push(piece);
			told(done += piece.length, total);
		}
		return new Blob(pieces);
	} catch (error) {
		if (error instanceof Refusal) throw error;
		throw new Refusal(0, {
			detail: `The answer ended after ${done} bytes.`,
			action: "Look at the slot: the camera may have left; then read it again.",
		});
	} finally {
		clearTimeout(timer);
	}
}

async function* piecesOf(reader) {
	for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

export const postBytes = async (path, blob) =>
	(await ask(path, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: blob }, BYTES_MS)).body;
export const get = async (path, ms) => (await ask(path, undefined, ms)).body;
export const getQuietly = async (path) => (await ask(path, BY_ITSELF)).body;
export const getWithStatus = (path, quietly) => ask(path, quietly ? BY_ITSELF : undefined);
export const postBody = async (path, body, headers = {}) =>
	(await ask(path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) })).body;
export const post = (path, body = {}, headers = {}) => postBody(path, body, headers);
