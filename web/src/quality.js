// Quality: is the yield good enough, was an hour out of the ordinary, what goes wrong most, how long does it take, and
// does trouble stay with a slot or go with the unit.  Every chart has a table with the same numbers beside it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "./api.js";
import { axis, bars, Chart, names, stepped } from "./chart.js";
import { asked, Filter, queryOf } from "./filter.js";
import { html } from "./html.js";
import { search } from "./place.js";
import { ended } from "./words.js";

const INK = "#16191d", FAIL = "#9c1c14", RUN = "#0b57d0", SOFT = "#4c535b", PALE = "#8fb4ee";

const number = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en-GB"));
const percent = (share, digits = 1) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(digits)} %`);
const seconds = (ms) => (ms === null || ms === undefined ? "–" : ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 100000 ? 1 : 0)} s`);
const hourText = (text) => new Date(text).toLocaleString("sv-SE", { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });

// The day where one begins, else the hour.
function clockText(at) {
	const text = new Date(at * 1000).toLocaleString("sv-SE");
	return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
}

// --- yields

const RATES = [
	["yield", "Yield", "PASS of PASS and FAIL"],
	["first_pass", "First pass", "units whose first verdict was PASS"],
	["retry", "Retry", "units that failed first, were tried again, and passed last"],
	["final", "Final", "units whose last verdict is PASS"],
];

// The interval as a bar from 0 to 100 %, the rate as a tick on it.
const Interval = ({ rate }) => html`<svg class="interval" viewBox="0 0 200 16" preserveAspectRatio="none" aria-hidden="true">
	<rect x="0" y="7" width="200" height="2" fill="#7a838d" />
	${rate.rate !== null && html`<rect x=${rate.low * 200} y="3" width=${Math.max(1, (rate.high - rate.low) * 200)} height="10" fill=${PALE} />
		<rect x=${Math.min(198, rate.rate * 200)} y="0" width="2.500" height="16" fill=${INK} />`}
</svg>`;

const Yields = ({ stats }) => html`<section class="block">
	<h2>Yield</h2>
	<p class="sum">${number(stats.attempts)} attempts on ${number(stats.units)} units:
		${" "}${number(stats.pass)} PASS, ${number(stats.fail)} FAIL, ${number(stats.error)} ERROR, ${number(stats.aborted)} ABORTED, ${number(stats.refused)} refused.</p>
	<table class="yields">
		<caption>ERROR and ABORTED are the station's trouble and leave yields as they are.</caption>
		<thead><tr><th scope="col">Rate</th><th scope="col" class="n">Of all</th><th scope="col" class="n">Good</th><th scope="col" class="n">Of</th>
			<th scope="col">95 % interval</th><th scope="col"><span class="unseen">As a bar</span></th></tr></thead>
		<tbody>${RATES.map(([key, name, what]) => {
			const rate = stats.rates[key];
			return html`<tr key=${key}><th scope="row">${name}<span class="explain">${what}</span></th><td class="n big">${percent(rate.rate)}</td>
				<td class="n">${number(rate.good)}</td><td class="n">${number(rate.of)}</td>
				<td>${rate.rate === null ? "–" : `${percent(rate.low)} to ${percent(rate.high)}`}</td><td class="bar"><${Interval} rate=${rate} /></td></tr>`;
		})}</tbody>
	</table>
</section>`;

// --- by hour

function hourChart(hours, mean) {
	const at = hours.map((h) => Date.parse(h.hour) / 1000);
	const share = hours.map((h) => h.share * 100);
	const level = hours.map(() => mean * 100);
	const line = (stroke, dash, more) => ({ stroke, dash, width: 2, points: { show: false }, paths: stepped, ...more });
	return {
		data: [at, hours.map((h) => h.high * 100), hours.map((h) => h.low * 100), level, share, hours.map((h) => (h.out ? h.share * 100 : null))],
		options: {
			scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
			axes: [axis({ values: (_, all) => all.map(clockText), space: 60 }), axis({ values: (_, all) => all.map((v) => `${v} %`), size: 60 })],
			series: [
				{},
				line(SOFT, [8, 5]),
				line(SOFT, [8, 5]),
				line(INK, [2, 4]),
				{ stroke: RUN, width: 1.5, points: { show: true, size: 6, fill: "#fff" } },
				{ stroke: FAIL, width: 0, points: { show: true, size: 15, fill: FAIL }, paths: () => null },
			],
		},
	};
}

function Hours({ chart }) {
	const hours = chart.hours;
	const picture = useMemo(() => hourChart(hours, chart.mean ?? 0), [chart]);
	const out = hours.filter((h) => h.out).length;
	return html`<section class="block">
		<h2>Failures by hour</h2>
		<p class="sum">${!hours.length ? "Nothing ended PASS or FAIL." : out ? `${out} of ${hours.length} hours beyond the control limits: something was different then.` : `All ${hours.length} hours are within the control limits.`}
			${chart.hours_before > 0 && ` ${number(chart.hours_before)} earlier hours are in the mean and not shown.`}</p>
		${hours.length > 0 && html`<div class="pair">
			<figure><${Chart} what=${`Share of FAIL by hour with its control limits; ${out} hours are beyond them. The table beside has the numbers.`} ...${picture} />
				<figcaption>Dots: share of FAIL; large filled ones are beyond the limits. Dashes: limits, three standard deviations. Dotted: the mean, ${percent(chart.mean, 2)}.</figcaption></figure>
			<div class="scroll" tabindex="0" role="region" aria-label="Failures by hour"><table>
				<thead><tr><th scope="col">Hour</th><th scope="col" class="n">PASS</th><th scope="col" class="n">FAIL</th><th scope="col" class="n">Share</th>
					<th scope="col" class="n">Limits</th><th scope="col">Beyond</th></tr></thead>
				<tbody>${hours.toReversed().map((h) => html`<tr key=${h.hour} class=${h.out ? "bad" : ""}><th scope="row">${hourText(h.hour)}</th><td class="n">${h.pass}</td>
					<td class="n">${h.fail}</td><td class="n">${percent(h.share)}</td><td class="n">${percent(h.low)}–${percent(h.high)}</td>
					<td>${h.out ? (h.share > h.high ? "▲ above" : "▼ below") : ""}</td></tr>`)}</tbody>
			</table></div>
		</div>`}
	</section>`;
}

// --- codes

function paretoChart(list) {
	return {
		data: [list.map((_, i) => i), list.map((c) => c.count), list.map((c) => c.cumulative * 100)],
		options: {
			scales: { x: { time: false, range: [-0.6, list.length - 0.4] }, y: { range: (_, low, high) => [0, Math.max(1, high)] }, part: { range: [0, 100] } },
			axes: [
				names(list.map((c) => c.code), { rotate: -35, size: 96 }),
				axis({ incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000], size: 60 }),
				axis({ side: 1, scale: "part", grid: { show: false }, values: (_, all) => all.map((v) => `${v} %`), size: 60 }),
			],
			series: [{}, { fill: PALE, stroke: RUN, width: 1, paths: bars, points: { show: false } },
				{ scale: "part", stroke: INK, width: 2, dash: [6, 4], points: { show: true, size: 7, fill: "#fff" } }],
		},
	};
}

function Codes({ pareto }) {
	const shown = pareto.slice(0, 12);
	const picture = useMemo(() => paretoChart(shown), [pareto]);
	return html`<section class="block">
		<h2>What goes wrong</h2>
		${!pareto.length && html`<p class="sum">Nothing ended FAIL, ERROR or ABORTED.</p>`}
		${pareto.length > 0 && html`<div class="pair">
			<figure><${Chart} what="Codes by how often they came, the most frequent first, and their sum. The table beside has the numbers." ...${picture} />
				<figcaption>Bars: attempts that ended with the code. Dashed line: their sum, of all that did not pass.</figcaption></figure>
			<div class="scroll" tabindex="0" role="region" aria-label="What goes wrong"><table>
				<thead><tr><th scope="col">Code</th><th scope="col">Verdict</th><th scope="col" class="n">Attempts</th><th scope="col" class="n">Share</th><th scope="col" class="n">Sum</th></tr></thead>
				<tbody>${pareto.map((c) => html`<tr key=${c.code}><th scope="row">${c.code}</th><td>${c.verdict}</td><td class="n">${number(c.count)}</td>
					<td class="n">${percent(c.share)}</td><td class="n">${percent(c.cumulative)}</td></tr>`)}</tbody>
			</table></div>
		</div>`}
	</section>`;
}

// --- times

const binText = (bin) => (bin.to_ms === null ? `over ${bin.from_ms / 1000}` : `${bin.from_ms / 1000}–${bin.to_ms / 1000}`);

function cycleChart(bins) {
	return {
		data: [bins.map((_, i) => i), bins.map((b) => b.count)],
		options: {
			scales: { x: { time: false, range: [-0.6, bins.length - 0.4] }, y: { range: (_, low, high) => [0, Math.max(1, high)] } },
			axes: [
				axis({
					incrs: [1, 2, 4, 8], grid: { show: false }, label: "seconds", labelFont: axis().font, labelSize: 20,
					values: (_, all) => all.map((i) => (bins[i] ? (bins[i].to_ms === null ? `>${bins[i].from_ms / 1000}` : bins[i].from_ms / 1000) : "")),
				}),
				axis({ size: 60 }),
			],
			series: [{}, { fill: PALE, stroke: RUN, width: 1, paths: bars, points: { show: false } }],
		},
	};
}

function Times({ cycle, steps }) {
	const picture = useMemo(() => cycleChart(cycle.bins), [cycle]);
	const rows = [["whole cycle", cycle], ...steps.items.map((s) => [s.step, s])];
	return html`<section class="block">
		<h2>How long a PASS takes</h2>
		${!cycle.count && html`<p class="sum">Nothing passed.</p>`}
		${cycle.count > 0 && html`<div class="pair">
			<figure><${Chart} what="Cycle times of PASS attempts by how many took so long. The tables beside have the numbers." ...${picture} />
				<figcaption>From start to end of each PASS; what took longer than 99 % of them stands in the last bar.</figcaption>
				<details><summary>The bars as a table</summary><table>
					<thead><tr><th scope="col">Seconds</th><th scope="col" class="n">Attempts</th></tr></thead>
					<tbody>${cycle.bins.map((b) => html`<tr key=${b.from_ms}><th scope="row">${binText(b)}</th><td class="n">${number(b.count)}</td></tr>`)}</tbody>
				</table></details></figure>
			<div class="scroll" tabindex="0" role="region" aria-label="Times by step"><table>
				<caption>Steps of the newest ${number(steps.attempts)} PASS attempts</caption>
				<thead><tr><th scope="col">Step</th><th scope="col" class="n">Half within</th><th scope="col" class="n">90 % within</th><th scope="col" class="n">99 % within</th><th scope="col" class="n">Longest</th></tr></thead>
				<tbody>${rows.map(([name, of]) => html`<tr key=${name}><th scope="row">${name}</th><td class="n">${seconds(of.p50)}</td><td class="n">${seconds(of.p90)}</td>
					<td class="n">${seconds(of.p99)}</td><td class="n">${seconds(of.max)}</td></tr>`)}</tbody>
			</table></div>
		</div>`}
	</section>`;
}

// --- slots

const SLOWER = -0.05; // from so much on a slot's speed is said in words

function slotSays(slot) {
	const said = [];
	if (slot.points_to === "slot") said.push("▲ The slot: units that fail here pass elsewhere. Check its cable and contacts.");
	if (slot.points_to === "unit") said.push("● The units: they fail elsewhere, too.");
	if (slot.drift !== null && slot.drift <= SLOWER) said.push(`▼ ${percent(-slot.drift)} slower than before.`);
	return said.join(" ");
}

const Slots = ({ slots }) => html`<section class="block">
	<h2>Slots</h2>
	${!slots.length && html`<p class="sum">No slot had an attempt.</p>`}
	<ul class="findings">${slots.filter(slotSays).map((s) => html`<li key=${s.slot}><strong>Slot ${s.slot}</strong> ${slotSays(s)}</li>`)}</ul>
	${slots.length > 0 && html`<div class="scroll tall" tabindex="0" role="region" aria-label="Slots"><table>
		<caption>Failed units: what became of those that failed in the slot. Speed: reading back, then the newer half against the older one.</caption>
		<thead>
			<tr><th scope="col" rowspan="2">Slot</th><th scope="col" rowspan="2" class="n">Yield</th><th scope="col" rowspan="2" class="n">95 %</th>
				<th scope="col" rowspan="2" class="n">PASS</th><th scope="col" rowspan="2" class="n">FAIL</th><th scope="col" rowspan="2" class="n">ERROR</th>
				<th scope="col" rowspan="2" class="n">Retries</th><th scope="colgroup" colspan="4">Failed units</th>
				<th scope="col" rowspan="2" class="n">MB/s</th><th scope="col" rowspan="2" class="n">Change</th></tr>
			<tr><th scope="col" class="n">passed elsewhere</th><th scope="col" class="n">failed elsewhere</th><th scope="col" class="n">passed here later</th><th scope="col" class="n">nothing more</th></tr>
		</thead>
		<tbody>${slots.map((s) => html`<tr key=${s.slot} class=${s.points_to === "slot" ? "bad" : ""}><th scope="row">${s.slot}</th><td class="n">${percent(s.yield.rate)}</td>
			<td class="n">${s.yield.rate === null ? "–" : `${percent(s.yield.low)}–${percent(s.yield.high)}`}</td>
			<td class="n">${number(s.pass)}</td><td class="n">${number(s.fail)}</td><td class="n">${number(s.error)}</td><td class="n">${number(s.retries)}</td>
			<td class="n">${s.failed_units.passed_elsewhere}</td><td class="n">${s.failed_units.failed_elsewhere}</td>
			<td class="n">${s.failed_units.passed_here}</td><td class="n">${s.failed_units.only_here}</td>
			<td class="n">${s.mb_s === null ? "–" : s.mb_s.toFixed(2)}</td><td class="n">${s.drift === null ? "–" : `${s.drift > 0 ? "+" : ""}${percent(s.drift)}`}</td></tr>`)}</tbody>
	</table></div>`}
</section>`;

// --- the screen

function useStats() {
	const [found, setFound] = useState(null);
	useEffect(() => {
		let over = false;
		setFound(null);
		get(`/stats${queryOf(asked())}`, 60000).then((stats) => !over && setFound({ stats }), (refusal) => !over && setFound({ refusal }));
		return () => (over = true);
	}, [search.value]);
	return found;
}

export function Screen() {
	const found = useStats();
	return html`<main class="page quality-page">
		<h1>Quality</h1>
		<${Filter} without=${["serial", "uid", "verdict", "operator"]} />
		${!found && html`<p role="status">Counting …</p>`}
		${found?.refusal && html`<p role="alert" class="said">${ended(found.refusal.message)} <strong>${found.refusal.action}</strong></p>`}
		${found?.stats && html`
			<${Yields} stats=${found.stats} />
			<${Hours} chart=${found.stats.p_chart} />
			<${Codes} pareto=${found.stats.pareto} />
			<${Times} cycle=${found.stats.cycle} steps=${found.stats.steps} />
			<${Slots} slots=${found.stats.slots} />`}
	</main>`;
}
