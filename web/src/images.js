// Looking into an image: a stored recipe's payload, a plugged camera's partition, or a file.  The bytes come here, the
// station's mount driver says what is in them, and files are cut out of the bytes.
import { useEffect, useState } from "preact/hooks";
import { get, getBytes, postBytes } from "./api.js";
import { html } from "./html.js";
import { numbers, slotOf } from "./live.js";
import { ended } from "./words.js";

const HEAD = 4096; // room for any header
const SHOWN = 1000; // rows of the tree at first
const MOST = 64 * 1024 * 1024; // as much as the station takes

const number = (value) => Number(value).toLocaleString("en-GB");
const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");

// What the header says the image takes: magic, then one varuint with any number of leading 0x80.  0: no header.
export function announced(head) {
	if (head[0] !== 0xd2 || head[1] !== 0xcd || head[2] !== 0x31) return 0;
	let value = 0;
	for (let at = 3; at < head.length; at++) {
		value = value * 128 + (head[at] & 127);
		if (value > 0xffffffff) return 0;
		if (!(head[at] & 128)) return value + at + 1;
	}
	return 0;
}

// --- where images come from

// A camera's partition may be large and mostly empty: its header first, then what that announces.
async function fromCamera({ slot, partition, room }, told) {
	const at = `/slots/${slot}/partitions/${encodeURIComponent(partition)}?length=`;
	const head = await getBytes(at + HEAD, told);
	const size = announced(new Uint8Array(await head.arrayBuffer()));
	return size > HEAD && size <= room ? getBytes(at + size, told) : head;
}

const fromRecipe = ({ sha256, partition }, told) => getBytes(`/recipes/${sha256}/payloads/${encodeURIComponent(partition)}`, told);

async function fromFile({ file }) {
	if (file.size > MOST) throw { message: "The file is larger than any image.", action: "Choose an image." };
	if (!file.size) throw { message: "The file is empty.", action: "Choose an image." };
	return file;
}

const romfsOf = (board) => board?.partitions.filter((p) => p.role === "romfs") ?? [];

function recipeChoices(recipes) {
	return recipes.flatMap((r) =>
		r.regions
			.filter((region) => region.kind === "romfs")
			.map((region) => ({
				take: fromRecipe, sha256: r.sha256, board: r.board, partition: region.partition,
				name: `${r.name} ${r.version} · ${region.partition} · ${r.board}`,
			})),
	);
}

function cameraChoices(boards) {
	return numbers.value
		.map((n) => slotOf(n)?.value)
		.filter((slot) => slot?.camera === "bootloader")
		.flatMap((slot) =>
			romfsOf(boards.find((b) => b.id === slot.board)).map((p) => ({
				take: fromCamera, slot: slot.slot, board: slot.board, partition: p.name, room: p.size,
				name: `slot ${slot.slot} · ${slot.board} · ${p.name}`,
			})),
		);
}

// An image alone does not say where it belongs; with a board its alignments can be judged.
const placeChoices = (boards) =>
	boards.flatMap((b) => romfsOf(b).map((p) => ({ board: b.id, partition: p.name, name: `${b.id} · ${p.name}` })));

// --- choosing

function Choice({ title, label, choices, none, button, onOpen, busy, children }) {
	const [at, setAt] = useState(0);
	const chosen = choices[Math.min(at, choices.length - 1)];
	return html`<form class="choice" onSubmit=${(event) => { event.preventDefault(); onOpen(chosen); }}>
		<h2>${title}</h2>
		${children}
		${choices.length
			? html`<label>${label}
					<select value=${Math.min(at, choices.length - 1)} onChange=${(event) => setAt(Number(event.currentTarget.value))}>
						${choices.map((c, i) => html`<option key=${c.name} value=${i}>${c.name}</option>`)}
					</select>
				</label>
				<button type="submit" class="order" disabled=${busy}>${button}</button>`
			: html`<p class="none">${none}</p>`}
	</form>`;
}

function Chooser({ recipes, boards, busy, open }) {
	const [file, setFile] = useState(null);
	const places = [{ name: "not said" }, ...placeChoices(boards)];
	return html`<div class="choices">
		<${Choice} title="A stored recipe's payload" label="Recipe" choices=${recipeChoices(recipes)} button="Open" busy=${busy}
			none="No recipe with a ROMFS is stored here." onOpen=${open} />
		<${Choice} title="A plugged camera's partition" label="Camera" choices=${cameraChoices(boards)} button="Read" busy=${busy}
			none="No camera waits in its bootloader. Disable a slot, then plug a camera in." onOpen=${open} />
		<${Choice} title="A file" label="For the partition" choices=${places} button="Look into it" busy=${busy || !file}
			onOpen=${(place) => open({ ...place, take: fromFile, file, name: file.name })}>
			<label>Image <input type="file" accept=".img,.romfs,.bin" onChange=${(event) => setFile(event.currentTarget.files[0] ?? null)} /></label>
		<//>
	</div>`;
}

// --- what is in it

function save(blob, name) {
	const url = URL.createObjectURL(blob);
	const link = document.createElement("a");
	link.href = url;
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

// File contents, what holds them together (names, headers, padding), and what is free.
function Usage({ image }) {
	const data = image.entries.reduce((sum, e) => sum + (e.type === "file" ? e.size : 0), 0);
	const used = image.image_bytes;
	const whole = Math.max(image.room ?? used, used);
	const files = Math.min(data, used); // files may share bytes
	const parts = [["files", files], ["structure and padding", used - files], ["free", whole - used]];
	const percent = (n) => (n * 100) / whole;
	const words = parts.map(([name, n]) => `${name} ${number(n)} bytes, ${percent(n).toFixed(1)} %`).join("; ");
	return html`<figure class="usage">
		<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=${words}>
			${parts.map(([name, n], i) => html`<rect key=${name} class=${`part${i}`} x=${percent(parts.slice(0, i).reduce((s, p) => s + p[1], 0))}
				width=${percent(n)} y="0" height="6" />`)}
		</svg>
		<figcaption>${parts.map(([name, n], i) => html`<span key=${name}><i class=${`key part${i}`}></i>${name} ${number(n)} (${percent(n).toFixed(1)} %)</span>`)}</figcaption>
	</figure>`;
}

function Entry({ of, blob }) {
	const depth = of.path.split("/").length - 2;
	const name = of.path.slice(of.path.lastIndexOf("/") + 1);
	const dir = of.type === "dir";
	return html`<tr class=${of.wants ? "bad" : ""}>
		<th scope="row"><span class="name" style=${{ "--depth": depth }}>${dir ? `${name}/` : name}</span></th>
		<td class="n">${dir ? "–" : number(of.size)}</td>
		<td class="n">${dir ? "–" : number(of.offset)}</td>
		<td class="n">${dir ? "–" : of.align}${of.wants ? html` <strong>✕ ${of.model ? "must" : "should"} be ${of.wants}</strong>` : ""}</td>
		<td><code>${of.crc32 ?? "–"}</code></td>
		<td>${!dir && html`<button type="button" class="order quiet" aria-label=${`Download ${of.path}`}
			onClick=${() => save(blob.slice(of.offset, of.offset + of.size), name)}>Download</button>`}</td>
	</tr>`;
}

function Tree({ image, blob }) {
	const [most, setMost] = useState(SHOWN);
	const rows = image.entries.slice(0, most);
	return html`<div class="tree" tabindex="0" role="region" aria-label="Files in the image"><table>
		<caption>Files and directories, in stored order</caption>
		<thead><tr><th scope="col">Name</th><th scope="col" class="n">Bytes</th><th scope="col" class="n">Offset</th>
			<th scope="col" class="n">Aligned to</th><th scope="col">CRC-32</th><th scope="col">File</th></tr></thead>
		<tbody>${rows.map((e) => html`<${Entry} key=${e.path} of=${e} blob=${blob} />`)}</tbody>
	</table></div>
	${image.entries.length > most && html`<button type="button" class="order quiet" onClick=${() => setMost(most + SHOWN)}>
		Show more: ${number(image.entries.length - most)} are left</button>`}`;
}

function Found({ found }) {
	const { name, image, blob, first } = found;
	const files = image.entries.filter((e) => e.type === "file").length;
	const wrong = image.entries.filter((e) => e.wants).length;
	return html`<section class="found" aria-label=${name}>
		<h2>${name}</h2>
		<p class=${`soundness ${image.valid && !wrong ? "good" : "bad"}`} role="status">
			${!image.valid
				? `✕ Refused: ${ended(image.message)}`
				: wrong
					? `✕ Sound, but ${number(wrong)} ${wrong === 1 ? "file is" : "files are"} less aligned than the board wants.`
					: "✓ Sound: the camera's mount driver accepts every record."}</p>
		<dl class="facts">
			<${Fact} name="Image">${image.image_bytes === null ? "–" : `${number(image.image_bytes)} bytes`}<//>
			<${Fact} name="Looked at">${number(image.bytes)} bytes<//>
			<${Fact} name="Partition">${image.room === null ? "not said" : `${number(image.room)} bytes`}<//>
			<${Fact} name="Files">${image.valid ? number(files) : "–"}<//>
			<${Fact} name="Directories">${image.valid ? number(image.entries.length - files) : "–"}<//>
			<${Fact} name="First bytes"><code>${first}</code><//>
		</dl>
		${image.valid && html`<${Usage} image=${image} />`}
		<div class="orders"><button type="button" class="order quiet"
			onClick=${() => save(blob.slice(0, image.image_bytes ?? blob.size), "romfs.img")}>Download the image</button></div>
		${image.valid && image.entries.length > 0 && html`<${Tree} key=${found.id} image=${image} blob=${blob} />`}
	</section>`;
}

const whereOf = ({ board, partition }) =>
	board ? `?board=${encodeURIComponent(board)}&partition=${encodeURIComponent(partition)}` : "";

let opened = 0;

export function Screen() {
	const [known, setKnown] = useState({ recipes: [], boards: [] });
	const [found, setFound] = useState(null); // { name, image, blob, first } or { refusal, name }
	const [busy, setBusy] = useState(null); // { name, done, total }
	useEffect(() => {
		let over = false;
		Promise.all([get("/recipes?limit=200"), get("/boards")])
			.then(([recipes, boards]) => over || setKnown({ recipes: recipes.items, boards: boards.items }))
			.catch((refusal) => over || setFound({ refusal, name: "The station's recipes and boards" }));
		return () => (over = true);
	}, []);

	async function open(choice) {
		const id = ++opened;
		const mine = (value) => id === opened && setFound(value);
		setFound(null);
		setBusy({ name: choice.name, done: 0, total: 0 });
		try {
			const blob = await choice.take(choice, (done, total) => setBusy({ name: choice.name, done, total }));
			const first = hex(new Uint8Array(await blob.slice(0, 12).arrayBuffer()));
			mine({ id, name: choice.name, blob, first, image: await postBytes(`/images${whereOf(choice)}`, blob) });
		} catch (refusal) {
			mine({ refusal, name: choice.name });
		}
		setBusy(null);
	}
	const percent = busy?.total ? Math.floor((busy.done * 100) / busy.total) : null;
	return html`<main class="images-page">
		<h1>Images</h1>
		<${Chooser} ...${known} busy=${!!busy} open=${open} />
		${busy && html`<div><p>Reading ${busy.name}${percent === null ? "" : `: ${percent} %`}</p>
			<div class=${`progress ${percent === null ? "unsure" : ""}`} role="progressbar" aria-label=${`Reading ${busy.name}`}
				aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}><div style=${{ width: `${percent ?? 0}%` }}></div></div></div>`}
		${found?.refusal && html`<div role="alert"><h2>${found.name}</h2><p class="said">${ended(found.refusal.message)} <strong>${found.refusal.action}</strong></p></div>`}
		${found?.image && html`<${Found} found=${found} />`}
	</main>`;
}
