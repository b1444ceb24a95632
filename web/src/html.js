// htm's tagged templates, bound to preact.  No templates are compiled at run time: the page's policy forbids eval.
import htm from "htm";
import { h } from "preact";
import "@preact/signals"; // components follow the signals that they read

export const html = htm.bind(h);
