// Sounds, each with a visual twin in the strip: one high for PASS, two low for FAIL, three for ERROR, a click for a card
// that was taken, one buzz for one that was not.  A browser makes none before somebody has pressed or scanned something.
import { signal } from "@preact/signals";

const KEY = "romline.muted";
const PATTERNS = {
	pass: [[880, 0.14]],
	fail: [[220, 0.22], [0, 0.08], [220, 0.22]],
	error: [[440, 0.12], [0, 0.06], [440, 0.12], [0, 0.06], [440, 0.12]],
	card: [[1320, 0.05]],
	buzz: [[130, 0.4]],
};

const stored = () => {
	try {
		return localStorage.getItem(KEY) === "1";
	} catch {
		return false; // a browser without a store: loud, until it is muted
	}
};
export const muted = signal(stored());

let audio = null;
function wake() {
	audio ??= new AudioContext();
	if (audio.state === "suspended") audio.resume();
}
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => setTimeout(wake, 0), { passive: true }); // not between a scanner's characters

export function mute(on) {
	muted.value = on;
	try {
		localStorage.setItem(KEY, on ? "1" : "0");
	} catch {
		// it holds until the page is loaded anew
	}
}

export function sound(name) {
	if (muted.value || !audio || audio.state !== "running") return;
	let at = audio.currentTime;
	for (const [pitch, seconds] of PATTERNS[name]) {
		if (pitch) {
			const tone = audio.createOscillator(), level = audio.createGain();
			tone.frequency.value = pitch;
			tone.type = pitch < 200 ? "sawtooth" : "sine";
			level.gain.value = 0.25;
			tone.connect(level).connect(audio.destination);
			tone.start(at);
			tone.stop(at + seconds);
		}
		at += seconds;
	}
}
