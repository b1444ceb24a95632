// Keyboards as scanners and computers have them: code -> what it types plain, with Shift, with AltGr.  "†" is a dead key,
// which the page is told as "Dead", "¶" one that an input method keeps to itself, which is "Process".
const letters = (...swapped) =>
	Object.fromEntries([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((place) => {
		const pair = swapped.find((p) => p.includes(place));
		const typed = pair ? pair[1 - pair.indexOf(place)] : place;
		return [`Key${place}`, typed.toLowerCase() + typed];
	}));
const digits = (...rows) => Object.fromEntries(rows.map((row, i) => [`Digit${(i + 1) % 10}`, row]));

const US = {
	...letters(), ...digits("1!", "2@", "3#", "4$", "5%", "6^", "7&", "8*", "9(", "0)"), Space: "  ",
	Backquote: "`~", Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?",
};
const GERMAN = {
	...letters("YZ"), ...digits("1!", '2"', "3§", "4$", "5%", "6&", "7/{", "8([", "9)]", "0=}"), Space: "  ", KeyQ: "qQ@",
	Backquote: "†°", Minus: "ß?\\", Equal: "††", BracketLeft: "üÜ", BracketRight: "+*~", Backslash: "#'", Semicolon: "öÖ", Quote: "äÄ", Comma: ",;", Period: ".:", Slash: "-_",
	IntlBackslash: "<>|",
};
const FRENCH = {
	...letters("AQ", "WZ"), ...digits("&1", "é2", '"3#', "'4{", "(5[", "-6|", "è7", "_8\\", "ç9", "à0@"), Space: "  ", KeyM: ",?",
	Backquote: "²²", Minus: ")°]", Equal: "=+}", BracketLeft: "††", BracketRight: "$£", Backslash: "*µ", Semicolon: "mM", Quote: "ù%", Comma: ";.", Period: ":/", Slash: "!§", IntlBackslash: "<>",
};
const METHOD = Object.fromEntries(Object.keys(US).map((code) => [code, "¶¶"]));
const LAYOUTS = { US, German: GERMAN, French: FRENCH, method: METHOD };

// What a page is told of each key when a scanner that is set to one layout types on a computer that is set to another.
export function keysOf(text, scanner, computer, more = {}) {
	return [...text].map((character) => {
		const [code, row] = Object.entries(LAYOUTS[scanner]).find(([, chars]) => chars.includes(character)) ?? [];
		if (!code) throw new Error(`a ${scanner} keyboard has no ${character}`);
		const level = row.indexOf(character);
		const arrives = LAYOUTS[computer][code]?.[level] ?? "";
		const key = { "†": "Dead", "¶": "Process", "": "Unidentified" }[arrives] ?? arrives;
		return { key, code, shiftKey: level === 1, modifierAltGraph: level === 2, ...more };
	});
}
