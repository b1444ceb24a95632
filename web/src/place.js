// Which screen is shown: the address says.
import { signal } from "@preact/signals";

export const path = signal(location.pathname);

addEventListener("popstate", () => (path.value = location.pathname));

export function goTo(target) {
	history.pushState(null, "", target);
	path.value = location.pathname;
}

// For links: a plain click stays in this page, so that its connection stays.
export function go(event) {
	if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
	event.preventDefault();
	goTo(event.currentTarget.getAttribute("href"));
}
