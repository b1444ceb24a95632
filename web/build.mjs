// Bundles the dashboard and turns it into bytes for the daemon: `node web/build.mjs OUT`.
// OUT has node_modules; OUT/files and OUT/assets.inc are made.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2]);
const files = join(out, "files");
const esbuild = createRequire(join(out, "package.json"))("esbuild");
const types = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
};

rmSync(files, { recursive: true, force: true });
mkdirSync(files, { recursive: true });

// what the licences of the bundled packages ask for: their texts go with the bundle
const bundled = ["preact", "@preact/signals", "@preact/signals-core", "htm", "lean-qr", "uplot"];
const notice = (name) => `${name}\n\n${readFileSync(join(out, "node_modules", name, "LICENSE"), "utf8")}\n`;
writeFileSync(join(out, "notices.txt"), bundled.map(notice).join("\n"));

const built = await esbuild.build({
	entryPoints: [
		{ in: join(here, "src/main.js"), out: "main" },
		{ in: join(here, "style.css"), out: "style" },
		{ in: join(here, "charts.css"), out: "charts" },
		{ in: join(here, "icon.svg"), out: "icon" },
		{ in: join(out, "notices.txt"), out: "notices" },
	],
	loader: { ".svg": "copy", ".txt": "copy" },
	entryNames: "[name]-[hash]",
	chunkNames: "[name]-[hash]",
	splitting: true, // what is imported at run time comes in files of its own
	outdir: files,
	nodePaths: [join(out, "node_modules")],
	bundle: true,
	minify: true,
	format: "esm",
	target: "chrome110",
	metafile: true,
	logLevel: "warning",
});

// index.html names each file by its source; here it gets the hashed name
const names = {};
for (const path of Object.keys(built.metafile.outputs)) {
	const name = path.replace(/^.*\//, "");
	names[name.replace(/-[A-Z0-9]{8}(?=\.)/, "")] = name;
}
const index = readFileSync(join(here, "index.html"), "utf8").replace(/\{\{([^}]+)\}\}/g, (_, name) => {
	if (!names[name]) throw new Error(`index.html names ${name}, which is not built`);
	return `/assets/${names[name]}`;
});
writeFileSync(join(files, "index.html"), index);

function row(name, number) {
	const data = readFileSync(join(files, name));
	const tag = createHash("sha256").update(data).digest("hex");
	const bytes = [...data].join(",").replace(/(.{110}\d*),/g, "$1,\n");
	return {
		bytes: `static const unsigned char asset_${number}[] = {\n${bytes}\n};\n`,
		row: `\t{ "${name}", "${types[extname(name)]}", "\\"${tag}\\"", asset_${number}, sizeof asset_${number} },\n`,
	};
}
const rest = readdirSync(files).filter((name) => name !== "index.html").sort();
const rows = ["index.html", ...rest].map(row);
const text =
	`${rows.map((r) => r.bytes).join("")}static const struct asset asset_list[] = {\n` +
	`${rows.map((r) => r.row).join("")}\t{ NULL, NULL, NULL, NULL, 0 },\n};\n`;
writeFileSync(join(out, "assets.new"), text);
renameSync(join(out, "assets.new"), join(out, "assets.inc"));
