// A chart by uPlot, as wide as its place.  It is a picture: what it shows stands in the table beside it.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { html } from "./html.js";

export const bars = uPlot.paths.bars({ size: [0.8, 80] });
export const stepped = uPlot.paths.stepped({ align: 0 });
export const FONT = '13px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif';

const sheet = document.getElementById("app").dataset.charts;
if (sheet && !document.querySelector(`link[href="${sheet}"]`)) {
	const link = document.createElement("link");
	link.rel = "stylesheet";
	link.href = sheet;
	document.head.append(link);
}

export const axis = (more) => ({
	font: FONT, stroke: "#16191d", grid: { stroke: "#e2e6ea", width: 1 }, ticks: { stroke: "#7a838d", width: 1 }, ...more,
});

// Names under bars: one for each whole number from 0.
export const names = (list, more) =>
	axis({
		splits: () => list.map((_, i) => i),
		values: (_, splits) => splits.map((i) => list[i] ?? ""),
		grid: { show: false },
		...more,
	});

// what: in words, for those who do not see it
export function Chart({ what, height = 280, options, data }) {
	const place = useRef(null);
	useEffect(() => {
		const plot = new uPlot(
			{ width: Math.max(240, place.current.clientWidth), height, legend: { show: false }, cursor: { show: false }, ...options },
			data,
			place.current,
		);
		const sizes = new ResizeObserver(([entry]) =>
			plot.setSize({ width: Math.max(240, Math.floor(entry.contentRect.width)), height }),
		);
		sizes.observe(place.current);
		return () => {
			sizes.disconnect();
			plot.destroy();
		};
	}, [data, options, height]);
	return html`<div class="chart" role="img" aria-label=${what} ref=${place}></div>`;
}
