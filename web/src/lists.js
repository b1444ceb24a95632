// Lists of numbers as people bring them: one a line, from a file or typed.

export const linesOf = (text) => text.split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);

const LONGEST = 64; // bytes
const bytes = (text) => new TextEncoder().encode(text).length;

// Why these may not be a batch's list; empty: they may, as far as can be seen without asking the station.
export function listTrouble(serials, quantity) {
	const seen = new Set();
	for (const serial of serials) {
		if (seen.has(serial)) return `${serial} stands there twice.`;
		if (bytes(serial) > LONGEST) return `${serial.slice(0, LONGEST)}… is longer than ${LONGEST} bytes.`;
		if (/[\u0000-\u001f\u007f]/.test(serial)) return `${serial.replace(/[\u0000-\u001f\u007f]/g, "·")} has a control character, perhaps a tab between columns.`;
		seen.add(serial);
	}
	const short = quantity - serials.length;
	return serials.length && short > 0 ? `${serials.length} serials for ${quantity} units: ${short} too few.` : "";
}

export function listSum(serials, quantity) {
	const spare = serials.length - quantity;
	return `${serials.length} serials, ${serials[0]} to ${serials.at(-1)}${quantity > 0 ? `: ${spare ? `${spare} to spare` : "as many as units"}` : ""}.`;
}
