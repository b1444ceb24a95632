// The station's screen in parts: its health, the MES, numbers, the shift, cards to print, people and tokens,
// one's own PIN.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { station } from "./live.js";
import { go } from "./place.js";
import { may, me } from "./session.js";

// rest: behind /station/; shown: to whom
const PARTS = [
	{ rest: "", name: "Health", load: () => import("./health.js") },
	{ rest: "mes", name: "MES", load: () => import("./mes.js") },
	{ rest: "numbers", name: "Numbers", load: () => import("./numbers.js") },
	{ rest: "shift", name: "Shift", load: () => import("./shift.js") },
	{ rest: "cards", name: "Cards", load: () => import("./print.js") },
	{ rest: "people", name: "People", shown: () => may("people"), load: () => import("./people.js") },
	{ rest: "tokens", name: "Tokens", shown: () => may("people"), load: () => import("./tokens.js") },
	{ rest: "pin", name: "My PIN", shown: () => me.value?.role, load: () => import("./pin.js") },
];

export function Screen({ rest }) {
	const part = PARTS.find((p) => p.rest === rest) ?? PARTS[0];
	const [shown, setShown] = useState(null);
	useEffect(() => {
		let over = false;
		const show = (found) => !over && setShown({ part, ...found });
		part.load().then((module) => show({ Part: module.Part }), () => show({ lost: true }));
		return () => (over = true);
	}, [part]);
	const now = shown?.part === part ? shown : null;
	return html`<main class="page">
		<h1>Station ${station.value?.name ?? ""}</h1>
		<nav class="parts" aria-label="Parts of the station">
			${PARTS.filter((p) => !p.shown || p.shown()).map((p) => html`<a key=${p.rest} href=${p.rest ? `/station/${p.rest}` : "/station"} onClick=${go}
				aria-current=${p === part ? "page" : undefined}>${p.name}</a>`)}
		</nav>
		${now?.lost && html`<p role="alert" class="said">This part could not be loaded. <strong>Load the page again.</strong></p>`}
		${now?.Part && html`<${now.Part} />`}
	</main>`;
}
