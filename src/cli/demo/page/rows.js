// Between the sides: what came (inbox), what must follow (outbox, by lanes), and each try (attempt).

import { h, keyed } from "./dom.js";
import { maybe, t } from "./texts.js";

/** Cards on the screen. */
const MOST = 30;

/** Words of states by how they look. */
const LOOKS = {
  accepted: "good", done: "good", released: "good", running: "busy", ready: "wait", held: "held",
  dead: "bad", failed: "bad", rejected: "bad", suppressed: "quiet", cancelled: "quiet",
};

/** States in which nobody need do anything. */
const CALM = ["done", "cancelled"];

export function showRows(model) {
  const names = namesOf(model);
  const language = document.documentElement.lang;
  const cards = cardsOf(model.rows, names).map((card) => ({ ...card, language }));
  keyed(document.getElementById("rows"), cards, (card) => card.key, cardOf);
}

/** People by OpenID; the numbers of customers and tickets by ObjectID. */
function namesOf(model) {
  const people = (model.phone?.people ?? []).map((one) => [one.openid, one.name]);
  const known = model.desk?.customers ?? [];
  const customers = known.map((one) => [one.object_id, one.customer_id]);
  const tickets = known.flatMap((one) => one.tickets).map((one) => [one.object_id, one.id]);
  return new Map([...people, ...customers, ...tickets]);
}

/** An arrival with all that follows from it is a card, and so is an effect that follows from none shown. */
function cardsOf({ arrivals, effects, attempts, answered }, names) {
  const tries = Map.groupBy(attempts, (one) => one.outbox_id);
  const cards = new Map();
  for (const arrival of arrivals) {
    const key = `i${arrival.id}`;
    cards.set(key, { key, at: arrival.received_at, arrival, answered: answered[arrival.id], who: names.get(arrival.openid) ?? "", effects: [] });
  }
  for (const effect of [...effects].sort((a, b) => a.id - b.id)) {
    const shown = { ...effect, tries: (tries.get(effect.id) ?? []).sort((a, b) => a.number - b.number), who: whose(effect, names) };
    const card = cards.get(`i${effect.inbox_id}`);
    if (card) card.effects.push(shown);
    // What followed from an arrival that is too old to be shown goes with it.
    else if (effect.inbox_id === null) {
      cards.set(`o${effect.id}`, { key: `o${effect.id}`, at: effect.created_at, arrival: null, who: shown.who, effects: [shown] });
    }
  }
  return [...cards.values()].sort((a, b) => b.at - a.at).slice(0, MOST);
}

function whose(effect, names) {
  return names.get(effect.lane.split(":").at(-1)) ?? "";
}

function cardOf(card) {
  return h("li", { class: "arrival" }, card.arrival ? headOf(card) : null,
    h("ol", { class: "effects" }, ...card.effects.map(effectOf)));
}

function headOf({ arrival, answered, who }) {
  const what = maybe(`kind_${arrival.kind.toLowerCase()}`) || arrival.kind;
  const state = arrival.duplicate_of ? t("duplicateOf", { id: arrival.duplicate_of }) : t(`state_${arrival.state}`);
  return h("button", { type: "button", class: "head", onclick: () => open("inbox", arrival) },
    h("span", { class: `from ${arrival.source}` }, arrival.source === "wechat" ? `${t("wechat")} →` : `← C4C`),
    h("b", {}, what), h("span", { class: "who" }, who),
    chip(arrival.state, state),
    h("span", { class: "ms" }, answered === undefined ? "" : t("committed", { ms: ms(answered) })),
    h("time", {}, clock(arrival.received_at)));
}

function effectOf(effect) {
  const end = effect.finished_at ? ms(effect.finished_at - effect.created_at) : "…";
  const side = effect.remote.startsWith("c4c") ? "→ C4C" : effect.remote === "local" ? "Qiao" : effect.remote.startsWith("wechat") ? `← ${t("wechat")}` : "→ hook";
  const why = effect.state === "held" ? effect.held_reason : effect.last_error && effect.state !== "done" ? effect.last_error : effect.note;
  return h("li", {}, h("button", { type: "button", class: "effect", onclick: () => open("outbox", effect) },
    h("span", { class: "to" }, side),
    h("span", { class: "name" }, h("code", {}, effect.effect), " ", h("small", {}, maybe(`effect_${effect.effect}`))),
    chip(effect.state, t(`state_${effect.state}`)),
    h("span", { class: "ms" }, end),
    h("span", { class: "lane" }, h("code", {}, `${effect.lane.split(":")[0]}:`), ` ${effect.who}`),
    triesOf(effect),
    why ? h("span", { class: CALM.includes(effect.state) ? "why calm" : "why" }, maybe(`why_${why}`) || why) : null));
}

function triesOf(effect) {
  if (effect.tries.length === 0) return h("span", { class: "tries" });
  const last = effect.tries.slice(-6).map((one) => h("span", { class: `try ${LOOKS[one.outcome] ?? "quiet"}`, title: one.error ?? "" },
    `${one.outcome === "done" ? "✓" : "✗"}${ms(one.finished_at - one.started_at)}`));
  return h("span", { class: "tries" }, t("tries", { n: effect.tries.length }), " ", ...last);
}

function chip(state, word) {
  return h("span", { class: `state ${LOOKS[state] ?? "quiet"}` }, word);
}

function ms(micros) {
  const millis = micros / 1000;
  if (millis < 10) return `${millis.toFixed(1)} ms`;
  return millis < 10_000 ? `${Math.round(millis)} ms` : `${Math.round(millis / 1000)} s`;
}

function clock(micros) {
  const date = new Date(micros / 1000);
  return `${date.toLocaleTimeString("en-GB")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The row itself, as it stands in the database. */
function open(table, row) {
  const dialog = document.getElementById("row");
  const { who, payload, tries, ...own } = row;
  const shown = payload === undefined ? own : { ...own, payload: JSON.parse(payload), attempt: tries };
  document.getElementById("row-title").textContent = `${table} ${row.id}`;
  document.getElementById("row-json").textContent = JSON.stringify(shown, null, 2);
  dialog.showModal();
}
