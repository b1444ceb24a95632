// The station's own health, for whoever is called when something is wrong with it.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";
import { html } from "./html.js";
import { station } from "./live.js";
import { Order } from "./orders.js";
import { Refused, when } from "./records.js";
import { ended } from "./words.js";

const AGAIN_MS = 5000;
const DISK_LOW = 0.1; // of it free
const LOG_LARGE = 64 << 20; // bytes of the write-ahead log: a reader keeps it from being moved

const size = (bytes) => {
	const units = ["bytes", "KB", "MB", "GB", "TB"];
	let value = Number(bytes), at = 0;
	while (value >= 1000 && at < units.length - 1) (value /= 1000), at++;
	return `${at ? value.toFixed(1) : value} ${units[at]}`;
};

// What is not as it should be, each with what to do.
function troubles({ disk, clock, journal, strangers, queues }) {
	const found = [];
	if (Number(disk.free) < DISK_LOW * Number(disk.bytes)) found.push(`Only ${size(disk.free)} of the disk are free. Make room: a full disk holds the station.`);
	if (clock.behind_ms > 0) found.push(`The clock is ${clock.behind_ms} ms behind the journal. Set it right.`);
	if (clock.synchronized === false) found.push("The clock is not synchronized. Times in the journal are only as good as the clock.");
	if (Number(journal.log_bytes) > LOG_LARGE) found.push(`The write-ahead log has ${size(journal.log_bytes)}. Somebody keeps reading the database.`);
	if (queues.journal > 1000) found.push(`${queues.journal} rows wait for the disk. It is slow.`);
	for (const s of strangers) found.push(`A device ${s.usb_id} at ${s.path} ${s.why === "no board" ? "matches no board. Unplug it, or install its board file." : "is a camera, but the line file has no such slot. Use another port."}`);
	return found;
}

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

function Facts({ health }) {
	const { journal, disk, clock, queues, versions } = health;
	const behind = journal.checkpoint ? Number(journal.rows) - Number(journal.checkpoint.rows) : Number(journal.rows);
	return html`<dl class="facts">
		<${Fact} name="Running since">${when(health.started_at)}<//>
		<${Fact} name="Disk free">${size(disk.free)} of ${size(disk.bytes)}<//>
		<${Fact} name="Journal">${journal.rows} rows, ${size(journal.bytes)}<//>
		<${Fact} name="Write-ahead log">${size(journal.log_bytes)}<//>
		<${Fact} name="Last checkpoint">${journal.checkpoint ? `${when(journal.checkpoint.at)}, ${behind} rows ago` : "none yet"}<//>
		<${Fact} name="Clock">${when(clock.time)}${clock.synchronized ? ", synchronized" : clock.synchronized === false ? ", NOT synchronized" : ""}<//>
		<${Fact} name="Rows waiting">${queues.journal}<//>
		<${Fact} name="Long questions waiting">${queues.long_questions}<//>
		<${Fact} name="Listeners">${queues.event_clients}<//>
		${Object.entries(versions).map(([name, version]) => html`<${Fact} key=${name} name=${name}>${version}<//>`)}
	</dl>`;
}

export function Part() {
	const [found, setFound] = useState(null);
	useEffect(() => {
		let over = false, timer;
		const look = async () => {
			const next = await get("/station/health").then((health) => ({ health }), (refusal) => ({ refusal }));
			if (over) return;
			setFound(next);
			timer = setTimeout(look, AGAIN_MS);
		};
		look();
		return () => ((over = true), clearTimeout(timer));
	}, []);
	const now = station.value;
	const wrong = found?.health ? troubles(found.health) : [];
	return html`
		${found?.refusal && html`<${Refused} refusal=${found.refusal} />`}
		${found?.health && html`
			<section class="block"><h2>${now?.state === "held" ? "✕ Held" : wrong.length ? "▲ Needs somebody" : "● Well"}</h2>
				${now?.state === "held" && html`<p class="said">${ended(now.message)} <strong>${now.action}</strong></p>
					<div class="orders"><${Order} path="/station/resume" title="Resume the station" label="Resume" sure="Resume: press again" tone="danger" right="slots" /></div>`}
				<ul class="findings">${wrong.map((text) => html`<li key=${text}>▲ ${text}</li>`)}</ul>
				<${Facts} health=${found.health} />
			</section>
			<section class="block"><h2>Devices that belong to no slot</h2>
				${!found.health.strangers.length && html`<p class="sum">There is none.</p>`}
				${found.health.strangers.length > 0 && html`<table><thead><tr><th scope="col">USB path</th><th scope="col">Vendor and product</th><th scope="col">Why</th></tr></thead>
					<tbody>${found.health.strangers.map((s) => html`<tr key=${s.path}><th scope="row">${s.path}</th><td><code>${s.usb_id}</code></td><td>${s.why === "no board" ? "matches no board file" : "the line file has no such slot"}</td></tr>`)}</tbody></table>`}
			</section>
			<section class="block"><h2>The end of the log</h2>
				<pre class="log scroll" tabindex="0" aria-label="The end of the log, newest first">${found.health.log.toReversed().join("\n")}</pre>
			</section>`}`;
}
