// The frame around the screens: station, search, clock, and whether what is shown can be relied on.
import { effect } from "@preact/signals";
import { render } from "preact";
import { Held } from "./batch.js";
import { html } from "./html.js";
import { heard, now, stale, start, station, streaming, trouble } from "./live.js";
import { notice, Notice } from "./orders.js";
import { go, goTo, path, search } from "./place.js";
import { listenToScanner } from "./scanner.js";
import { Told } from "./told.js";
import { restOf, SCREENS, screenOf, Shown } from "./screens.js";
import { askWho, asked, Login, may, me, needed, Who } from "./session.js";

const clock = (ms) => new Date(ms).toLocaleTimeString("sv-SE");

function Link() {
	const word = trouble.value ? "reconnecting" : streaming.value ? "live" : "polling";
	return html`<p class=${`link ${trouble.value ? "bad" : ""}`}>${trouble.value ? "✕" : "●"} ${word}</p>`;
}

const Clock = () => html`<time>${clock(now.value)}</time>`;

function Search() {
	function look(event) {
		event.preventDefault();
		const field = event.currentTarget.elements.name;
		const name = field.value.trim();
		if (!name) return;
		goTo(`/units?q=${encodeURIComponent(name)}`);
		field.value = "";
	}
	return html`<form role="search" class="search" onSubmit=${look}>
		<input name="name" type="search" maxlength="128" aria-label="Serial or UID of a unit, order or number of a batch" placeholder="Serial, UID, batch, order"
			autocomplete="off" spellcheck=${false} />
		<button type="submit" class="order quiet">Find</button>
	</form>`;
}

function Top() {
	const name = station.value?.name;
	return html`<header class="top">
		<a class="home" href="/" onClick=${go}>Romline</a>
		<span class="station">${name ? `Station ${name}` : ""}</span>
		<nav aria-label="Screens">
			${SCREENS.filter((s) => s.nav && (!s.right || may(s.right))).map(
				(s) => html`<a key=${s.path} href=${s.path} onClick=${go} aria-current=${screenOf(path.value) === s ? "page" : undefined}>${s.nav}</a>`,
			)}
		</nav>
		<${Search} />
		<${Who} />
		<${Link} />
		<${Clock} />
	</header>`;
}

// For those of whom nothing is known yet.
const Plain = () => html`<header class="top"><a class="home" href="/" onClick=${go}>Romline</a><${Clock} /></header>`;

// A reader of its own, so that only this line is drawn anew with the clock.
const Stale = () => html`<div role="alert">
	${stale.value &&
	html`<p class="no-connection"><strong>NO CONNECTION since ${clock(heard.value)}.</strong> Do not rely on this screen.
		Check that the station's computer and stationd run; this page goes on by itself.</p>`}
</div>`;

function App() {
	const screen = screenOf(path.value);
	const name = station.value?.name;
	document.title = `${screen.nav} · ${name ? `${name} · ` : ""}Romline`;
	const kiosk = new URLSearchParams(search.value).has("kiosk"); // a screen that only shows the line
	if (needed.value || asked.value) return html`<div class="app"><${Plain} /><${Notice} /><${Login} /></div>`;
	return html`<div class=${`app ${screen.whole ? "whole" : ""} ${stale.value ? "stale" : ""} ${kiosk ? "kiosk" : ""}`}>
		<${Top} />
		<${Stale} />
		<${Held} />
		<${Notice} />
		${!screen.show && html`<${Told} />`}
		<${Shown} screen=${screen} rest=${restOf(screen, path.value)} />
	</div>`;
}

// what one was refused is not told to the next
let who = null;
effect(() => {
	const name = me.value?.name ?? null;
	if (name !== who) notice.value = null;
	who = name;
});

await askWho();
start();
listenToScanner();
render(html`<${App} />`, document.getElementById("app"));
