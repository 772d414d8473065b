// What can be broken, and whether everything is right.

import { h, keyed } from "./dom.js";
import { t } from "./texts.js";
import { act } from "./link.js";

const TROUBLES = ["c4c_down", "c4c_slow", "window", "token", "daemon"];

/** Those that Qiao puts right by itself. */
const BY_ITSELF = ["token"];

const COUNTS = ["said", "history", "c4c", "doubles", "open", "held"];

export function showTroubles(state) {
  const language = document.documentElement.lang;
  const items = TROUBLES.map((name) => ({ name, broken: state.troubles[name], language }));
  keyed(document.getElementById("troubles"), items, (one) => one.name, troubleOf);
}

function troubleOf({ name, broken }) {
  const mends = broken && !BY_ITSELF.includes(name);
  const flip = () => act(mends ? "mend" : "break", { what: name });
  return h("li", { class: broken ? "trouble broken" : "trouble" },
    h("button", { type: "button", id: `trouble-${name}`, disabled: broken && !mends, onclick: flip },
      t(mends ? `mend_${name}` : `break_${name}`)),
    h("p", {}, t(broken ? `broken_${name}` : `about_${name}`)));
}

export function showCounts(state) {
  const { counts } = state;
  const broken = TROUBLES.some((name) => state.troubles[name]);
  const lost = counts.said - counts.given_up - counts.history;
  const behind = counts.said - counts.given_up - counts.c4c;
  const right = lost === 0 && behind === 0 && counts.doubles === 0 && counts.open === 0;
  const verdict = counts.doubles > 0 ? "verdictDouble" : broken ? "verdictBroken" : right ? "verdictRight" : "verdictBusy";
  const box = document.getElementById("counts");
  const language = document.documentElement.lang;
  const items = COUNTS.map((name) => ({ name, count: counts[name], language }));
  if (counts.given_up > 0) items.push({ name: "given_up", count: counts.given_up, language });
  items.push({ name: verdict, count: null, behind, language });
  keyed(box, items, (one) => (one.count === null ? "verdict" : one.name), ({ name, count, behind: waits }) => {
    if (count === null) return h("p", { class: `verdict ${name}` }, t(name, { n: waits }));
    return h("p", { class: "count", title: t(`count_${name}_about`) }, h("b", {}, String(count)), ` ${t(`count_${name}`)}`);
  });
}
