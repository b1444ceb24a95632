// Which screen is shown, and what of it: the address says.
import { signal } from "@preact/signals";

export const path = signal(location.pathname);
export const search = signal(location.search); // with its question mark

function look() {
	path.value = location.pathname;
	search.value = location.search;
}

addEventListener("popstate", look);

export function goTo(target) {
	history.pushState(null, "", target);
	look();
	scrollTo(0, 0);
}

// The same in this address's place: nobody wants back to it.
export function turnTo(target) {
	history.replaceState(null, "", target);
	look();
}

// For links: a plain click stays in this page, so that its connection stays.
export function go(event) {
	if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
	event.preventDefault();
	goTo(event.currentTarget.getAttribute("href"));
}
