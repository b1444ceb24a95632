// The shapes of the lamps.  Drawn in the colour of the text around them; the word beside them is what is read aloud.
import { html } from "./html.js";

const line = { fill: "none", stroke: "currentColor", "stroke-width": 2.4, "stroke-linecap": "round", "stroke-linejoin": "round" };
const mark = { fill: "none", stroke: "var(--under)", "stroke-width": 2.6, "stroke-linecap": "round", "stroke-linejoin": "round" };

const SHAPES = {
	disc: () => html`<circle cx="12" cy="12" r="11" fill="currentColor" /><path ...${mark} d="M6.5 12.5l4 4 7.5-9" />`,
	octagon: () => html`<path d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z" fill="currentColor" />
		<path ...${mark} d="M8 8l8 8M16 8l-8 8" />`,
	triangle: () => html`<path d="M12 1.5L23.5 22H.5z" fill="currentColor" /><path ...${mark} d="M12 9v6M12 18.5v.1" />`,
	square: () => html`<rect x="2" y="2" width="20" height="20" rx="2" fill="currentColor" />
		<rect x="8" y="8" width="8" height="8" fill="var(--under)" />`,
	bar: () => html`<circle cx="12" cy="12" r="11" fill="currentColor" /><path ...${mark} d="M6 12h12" stroke-width="4" />`,
	question: () => html`<path d="M12 .5L23.5 12 12 23.5.5 12z" fill="currentColor" />
		<path ...${mark} d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.300c-.7.4-1 .9-1 1.700M12 17v.1" stroke-width="2" />`,
	play: () => html`<path d="M4 2l17 10L4 22z" fill="currentColor" />`,
	outline: () => html`<circle cx="12" cy="12" r="9.5" ...${line} />`,
	dot: () => html`<circle cx="12" cy="12" r="9.5" ...${line} /><circle cx="12" cy="12" r="4" fill="currentColor" />`,
	barred: () => html`<circle cx="12" cy="12" r="9.5" ...${line} /><path ...${line} d="M5.5 18.5l13-13" />`,
};

export const Shape = ({ name }) =>
	html`<svg class="shape" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${SHAPES[name]?.()}</svg>`;
