// Who is logged in here, logging in and out.
import { computed, signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { getQuietly, postBody, whenRefused } from "./api.js";
import { html } from "./html.js";
import { go } from "./place.js";
import { bare, ended } from "./words.js";

export const me = signal(null); // what the station says of us; null: not known yet
export const asked = signal(false); // somebody wants to log in where nobody has to
export const needed = computed(() => me.value?.login === "required" && !me.value.name);
export const may = (right) => me.value?.rights.includes(right) ?? false;

export async function askWho() {
	try {
		me.value = await getQuietly("/session");
	} catch {
		// not answered: the line's own questions show that, and ask again
	}
}

// A session that ended elsewhere shows in the first refusal.
whenRefused((refusal) => ((refusal.code === "login-needed" && !needed.value) || refusal.code === "forbidden") && askWho());

export async function logIn(body) {
	me.value = await postBody("/session", body);
	asked.value = false;
	return me.value;
}

export async function logOut() {
	try {
		me.value = await postBody("/session/end", {});
	} catch {
		askWho();
	}
}

const Field = ({ name, label, type, ...more }) =>
	html`<label class="field">${label}<input name=${name} type=${type} maxlength="128" autocomplete="off" spellcheck=${false} ...${more} /></label>`;

// A scanner types the badge and presses Enter.
export function Login() {
	const [refusal, refuse] = useState(null);
	const [busy, setBusy] = useState(false);

	async function send(event) {
		event.preventDefault();
		const form = event.currentTarget;
		const body = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, bare(value)]));
		if (Object.values(body).some((value) => !value)) return;
		setBusy(true);
		try {
			await logIn(body);
		} catch (said) {
			refuse(said);
		}
		form.reset();
		setBusy(false);
	}
	return html`<main class="login">
		<h1>Log in</h1>
		<form onSubmit=${send}>
			<${Field} name="badge" label="Scan your badge" type="password" data-scan="" ref=${(field) => field?.focus()} />
			<button type="submit" class="order" disabled=${busy}>Log in by badge</button>
		</form>
		<form onSubmit=${send}>
			<${Field} name="name" label="Name" type="text" />
			<${Field} name="pin" label="PIN" type="password" />
			<button type="submit" class="order" disabled=${busy}>Log in by PIN</button>
		</form>
		<div role="alert">
			${refusal && html`<p class="said">${ended(refusal.message)} <strong>${refusal.action}</strong></p>`}
		</div>
		${!needed.value && html`<button type="button" class="order quiet" onClick=${() => (asked.value = false)}>Back</button>`}
	</main>`;
}

// In the frame: who it is, and the way out or in.
export function Who() {
	if (!me.value || needed.value) return null;
	const { name, role } = me.value;
	if (!name) return html`<p class="me"><button type="button" onClick=${() => (asked.value = true)}>Log in</button></p>`;
	return html`<p class="me"><a href="/station/pin" onClick=${go}>${name}${role ? ` · ${role}` : ""}</a>
		<button type="button" onClick=${logOut}>Log out</button></p>`;
}
