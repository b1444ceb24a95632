// Talking to the station: answers as objects, refusals as sentences.

const BASE = "/api/v1";
const DEADLINE_MS = 8000;

// What went wrong and what to do about it, in the station's own words where it gave any.
export class Refusal extends Error {
	constructor(status, problem) {
		super(problem.detail ?? problem.title ?? `The station answered ${status}.`);
		this.status = status;
		this.code = problem.code ?? "no-answer";
		this.action = problem.action ?? "Try again; if it repeats call engineering.";
	}
}

async function ask(path, options) {
	let answer;
	try {
		answer = await fetch(BASE + path, { ...options, cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
	} catch {
		throw new Refusal(0, {
			detail: "The station does not answer.",
			action: "Check that stationd runs; this page goes on by itself when it is back.",
		});
	}
	const body = await answer.json().catch(() => ({}));
	// 300: several units have that serial; the list to choose from is an answer, too
	if (!answer.ok && answer.status !== 300) throw new Refusal(answer.status, body);
	return { status: answer.status, body };
}

export const get = async (path) => (await ask(path)).body;
export const getWithStatus = (path) => ask(path);
export const post = async (path) =>
	(await ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })).body;
