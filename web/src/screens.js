// The screens.  The line is there at once; each of the others is fetched when it is first looked at, so that a kiosk's
// first screen stays small.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { Line } from "./line.js";

// path: of the screen itself; under: also of everything below it.  nav: its name among the tabs, none without;
// right: what one needs to be shown that tab
export const SCREENS = [
	{ path: "/", nav: "Line", show: Line, whole: true },
	{ path: "/batches", nav: "Batches", under: true, load: () => import("./batches.js") },
	{ path: "/units", nav: "Units", under: true, load: () => import("./unit.js") },
	{ path: "/quality", nav: "Quality", load: () => import("./quality.js") },
	{ path: "/recipes", nav: "Recipes", under: true, load: () => import("./recipes.js") },
	{ path: "/images", nav: "Images", load: () => import("./images.js") },
	{ path: "/station", nav: "Station", under: true, load: () => import("./station.js") },
	{ path: "/audit", nav: "Audit", right: "audit", load: () => import("./audit.js") },
];

export const screenOf = (path) =>
	SCREENS.find((s) => path === s.path || (s.under && path.startsWith(`${s.path}/`))) ?? SCREENS[0];

// What stands behind a screen's path, decoded.
export function restOf(screen, path) {
	try {
		return decodeURIComponent(path.slice(screen.path.length + 1));
	} catch {
		return "";
	}
}

export function Shown({ screen, rest }) {
	const [shown, setShown] = useState(screen.show ? { screen, show: screen.show } : null);
	const [lost, setLost] = useState(false);
	useEffect(() => {
		let over = false;
		setLost(false);
		if (screen.show) setShown({ screen, show: screen.show });
		else
			screen.load().then(
				(module) => !over && setShown({ screen, show: module.Screen }),
				() => !over && setLost(true),
			);
		return () => (over = true);
	}, [screen]);
	if (lost) return html`<main class="page"><p role="alert" class="said">This screen could not be loaded. <strong>Load the page again.</strong></p></main>`;
	if (shown?.screen !== screen) return html`<main class="page" aria-busy="true"><h1>${screen.nav}</h1></main>`;
	return html`<${shown.show} rest=${rest} name=${rest} />`;
}
