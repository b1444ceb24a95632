// A form with one request: a refusal is one sentence at the field that it is about, what cannot be taken back wants a
// second press, and an answer that was lost is asked for again with the same key, so that nothing is done twice.
import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "./api.js";
import { html } from "./html.js";
import { stale } from "./live.js";
import { ended } from "./words.js";

const ARMED_MS = 8000;
const BOUNCE_MS = 350; // a second press so soon is the same press

// Not randomUUID: browsers have that on https only.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// The station's sentences begin with the member of the request that they are about.
function fieldOf(message, names) {
	return names.find((name) => new RegExp(`^(this )?${name}\\b`).test(message)) ?? names[0];
}

// options: of a select; else an input.  scan: a scanner types into it, and no card is obeyed there.
function Field({ form, name, label, options, scan, said, ...more }) {
	const id = `${form}-${name}`.replace(/\W+/g, "-");
	const told = { id, name, "aria-invalid": said ? "true" : undefined, "aria-describedby": said ? `${id}-said` : undefined };
	return html`<div class="field"><label for=${id}>${label}</label>
		${options
			? html`<select ...${told} ...${more}>${options.map((o) => html`<option key=${o} value=${o} selected=${o === more.value}>${o}</option>`)}</select>`
			: html`<input ...${told} maxlength="128" autocomplete="off" spellcheck=${false} data-scan=${scan ? "cards" : undefined} ...${more} />`}
		${said && html`<p class="wrong" id=${`${id}-said`} role="alert">${ended(said.message)} <strong>${said.action}</strong></p>`}
	</div>`;
}

// Enter, which a scanner ends with, goes on to the next field; only the last one sends.
function goOn(event) {
	if (event.key !== "Enter" || !("scan" in event.target.dataset)) return;
	const inputs = [...event.currentTarget.querySelectorAll("input, select")];
	const next = inputs[inputs.indexOf(event.target) + 1];
	if (!next) return;
	event.preventDefault();
	next.focus();
}

// label: its name; path(values), body(values): what is sent; check(values): a refusal of the page's own, as
// [field, sentence, what to do], or nothing; sure: what the second press says; done(answer): afterwards
export function Form({ label, fields, path, body, check, button, sure, tone, done, children }) {
	const [said, say] = useState(null);
	const [armed, arm] = useState(0); // when
	const [busy, setBusy] = useState(false);
	const key = useRef(null);
	useEffect(() => {
		const timer = armed && setTimeout(() => arm(0), ARMED_MS);
		return () => clearTimeout(timer);
	}, [armed]);
	const names = fields.map((f) => f.name);

	async function send(event) {
		event.preventDefault();
		const form = event.currentTarget;
		const values = Object.fromEntries(new FormData(form));
		values.all = (name) => new FormData(form).getAll(name);
		const wrong = check?.(values);
		if (wrong) return say({ field: wrong[0], message: wrong[1], action: wrong[2] });
		if (sure && !armed) return arm(performance.now());
		if (sure && performance.now() - armed < BOUNCE_MS) return;
		arm(0);
		setBusy(true);
		key.current ??= newKey();
		try {
			const answer = await post(path(values), body(values), { "Idempotency-Key": key.current });
			key.current = null;
			say(null);
			form.reset();
			done(answer);
		} catch (refusal) {
			if (refusal.code !== "no-answer") key.current = null;
			say({ field: fieldOf(refusal.message, names), message: refusal.message, action: refusal.action });
		}
		setBusy(false);
	}
	function typed() {
		key.current = null;
		arm(0);
		say(null);
	}
	return html`<form class="filter bare" noValidate aria-label=${label} onSubmit=${send} onInput=${typed} onKeyDown=${goOn}>
		${fields.map((f) => html`<${Field} key=${f.name} form=${label} said=${said?.field === f.name ? said : null} ...${f} />`)}
		${children}
		<button type="submit" class=${`order ${tone ?? ""} ${armed ? "armed" : ""}`} disabled=${busy || stale.value}>${armed ? sure : button}</button>
		${said && !names.includes(said.field) && html`<p class="wrong" role="alert">${ended(said.message)} <strong>${said.action}</strong></p>`}
	</form>`;
}
