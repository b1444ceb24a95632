// The conditions on attempts, as a form; they stand in the address, so that what is shown can be shown again.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";
import { html } from "./html.js";
import { goTo, path, search } from "./place.js";

const TEXTS = [
	["order", "Order"], ["batch", "Batch"], ["serial", "Serial"], ["uid", "UID"], ["operator", "Operator"],
];
const VERDICTS = ["PASS", "FAIL", "ERROR", "ABORTED"];
const HOURS = [[8, "8 hours"], [24, "24 hours"], [168, "7 days"]];

// Those that were asked for, by name.
export const asked = () => Object.fromEntries([...new URLSearchParams(search.value)].filter(([, value]) => value));

export function queryOf(values) {
	const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
	return query ? `?${query}` : "";
}

// A time of the API in the form's own form, which is local; and back.
function local(text) {
	const at = new Date(text);
	if (!text || Number.isNaN(at.getTime())) return "";
	return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
const universal = (text) => (text ? new Date(text).toISOString() : "");

const Field = ({ label, children }) => html`<label class="field"><span>${label}</span>${children}</label>`;

function useRecipes() {
	const [recipes, setRecipes] = useState([]);
	useEffect(() => {
		let over = false;
		get("/recipes?limit=1000").then((page) => !over && setRecipes(page.items), () => {});
		return () => (over = true);
	}, []);
	return recipes;
}

// without: names of conditions that this screen has no use for
export function Filter({ without = [] }) {
	const recipes = useRecipes();
	const now = asked();
	const boards = [...new Set(recipes.map((r) => r.board))].sort();

	function submit(event) {
		event.preventDefault();
		const form = Object.fromEntries(new FormData(event.currentTarget));
		goTo(path.value + queryOf({ ...form, from: universal(form.from), to: universal(form.to) }));
	}
	const since = (hours) => goTo(path.value + queryOf({ ...now, to: "", from: new Date(Date.now() - hours * 3600000).toISOString() }));
	const select = (name, label, options) => html`<${Field} label=${label}><select name=${name} value=${now[name] ?? ""} key=${`${name}${now[name]}${options.length}`}>
		<option value="">any</option>
		${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${now[name] === value}>${text}</option>`)}
	</select><//>`;
	return html`<form class="filter" aria-label="What is looked at" onSubmit=${submit} key=${search.value}>
		${TEXTS.filter(([name]) => !without.includes(name)).map(
			([name, label]) => html`<${Field} key=${name} label=${label}><input name=${name} maxlength="128" autocomplete="off"
				spellcheck=${false} defaultValue=${now[name] ?? ""} /><//>`,
		)}
		<${Field} label="Slot"><input name="slot" inputmode="numeric" pattern="[1-9][0-9]{0,3}" title="a slot's number" defaultValue=${now.slot ?? ""} /><//>
		${select("recipe", "Recipe", recipes.map((r) => [r.sha256, `${r.name} ${r.version} · ${r.board}`]))}
		${select("board", "Board", boards.map((b) => [b, b]))}
		${!without.includes("verdict") && select("verdict", "Verdict", VERDICTS.map((v) => [v, v]))}
		<${Field} label="From"><input name="from" type="datetime-local" defaultValue=${local(now.from)} /><//>
		<${Field} label="To"><input name="to" type="datetime-local" defaultValue=${local(now.to)} /><//>
		<div class="orders">
			<button type="submit" class="order">Show</button>
			${HOURS.map(([hours, text]) => html`<button type="button" key=${hours} class="order quiet" onClick=${() => since(hours)}>Last ${text}</button>`)}
			<button type="button" class="order quiet" onClick=${() => goTo(path.value)}>All</button>
		</div>
	</form>`;
}
