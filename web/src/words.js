// What a slot's state looks like: a word, a shape and a tone, so that nothing is told by colour alone.

export const STEPS = [
	"identified", "admitted", "compared", "written", "read-back", "proved", "restarted", "confirmed",
];
const DOING = {
	identified: "identifying", admitted: "admitting", compared: "comparing", written: "writing",
	"read-back": "reading back", proved: "proving", restarted: "restarting", confirmed: "waiting for return", reading: "reading",
};

const LOOKS = {
	passed: { word: "PASS", shape: "disc", tone: "pass" },
	failed: { word: "FAIL", shape: "octagon", tone: "fail" },
	error: { word: "ERROR", shape: "triangle", tone: "error" },
	refused: { word: "REFUSED", shape: "bar", tone: "error" },
	aborted: { word: "ABORTED", shape: "square", tone: "error" },
	asking: { word: "ASKING", shape: "question", tone: "error" },
	unrecorded: { word: "DO NOT SHIP", shape: "octagon", tone: "stop" },
	empty: { word: "EMPTY", shape: "outline", tone: "idle" },
	running: { word: "RUN MODE", shape: "dot", tone: "idle" },
};
const WORKING = { word: "WORKING", shape: "play", tone: "run" };
const DISABLED = { word: "DISABLED", shape: "barred", tone: "off" };
const BUSY = new Set([
	"plugged", "identified", "admitted", "compared", "written", "read-back", "proved", "restarted", "confirmed", "ending",
]);
const RETRY = new Set(["failed", "error", "aborted", "refused", "asking"]);

export const isBusy = (slot) => BUSY.has(slot.state);
// A partition is being read at rest, for somebody who asked.
export const isRead = (slot) => slot.step === "reading";
export const canRetry = (slot) => slot.enabled && RETRY.has(slot.state);
export const inTrouble = (slot) => RETRY.has(slot.state) || slot.state === "unrecorded";

export function lookOf(slot) {
	if (isBusy(slot)) return WORKING;
	// green is shown for a PASS that the journal holds, and for nothing else
	if (slot.state === "passed" && slot.verdict !== "PASS") return { word: "UNKNOWN", shape: "question", tone: "error" };
	// written at a person's word: proved, but no unit of a batch
	if (slot.state === "passed" && slot.kind === "deploy") return { word: "DEPLOYED", shape: "dot", tone: "run" };
	const look = LOOKS[slot.state] ?? { word: "UNKNOWN", shape: "question", tone: "error" };
	return !slot.enabled && look.tone === "idle" ? DISABLED : look;
}

export const verdictTone = (verdict) => ({ PASS: "pass", FAIL: "fail", ERROR: "error", ABORTED: "error" })[verdict] ?? "idle";
export const verdictShape = (verdict) =>
	({ PASS: "disc", FAIL: "octagon", ERROR: "triangle", ABORTED: "square" })[verdict] ?? "play";

// "1, 2 and 3"; of many the first ones.
export function listed(all) {
	if (all.length > 8) return `${all.slice(0, 7).join(", ")} and ${all.length - 7} more`;
	return all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all.at(-1)}` : `${all[0]}`;
}

// How the MES let an attempt begin.
export const permitText = (permit) => ({ granted: "MES: allowed", cached: "MES: allowed before", silent: "MES: no answer" })[permit] ?? "";

// What happened, in the station's words; the MES's sentence is told as the MES's.
export const messageOf = (of) => (of.code === "mes-refused" ? `The MES says: ${of.message}` : of.message);

// The station's messages are parts of lines; followed by another sentence they need their own end.
export const ended = (text) => (!text || /[.!?…]$/.test(text) ? (text ?? "") : `${text}.`);

// What a scanner read, without the mark of its kind.
export const bare = (text) => text.trim().replace(/^\][A-Za-z][0-9A-Za-z]/, "");

// The state's name says what is done; a person wants to know what is being done.
export function stepText(slot) {
	if (slot.step) return DOING[slot.step] ?? slot.step;
	return slot.state === "ending" || slot.state === "confirmed" ? "recording" : slot.state;
}
export const stepNumber = (slot) => STEPS.indexOf(slot.step) + 1;

export function percentOf(slot) {
	const total = Number(slot.total_bytes);
	return total > 0 ? Math.min(100, Math.floor((Number(slot.done_bytes) * 100) / total)) : null;
}
