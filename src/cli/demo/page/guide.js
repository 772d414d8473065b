// A path for newcomers, which ticks itself off: a step is done when its act was made here and what it promises is seen.

import { h, keyed } from "./dom.js";
import { t } from "./texts.js";

const acted = new Map();
const done = new Set();

document.addEventListener("acted", ({ detail: { name, body } }) => {
  acted.set(`${name}${body.what ? ` ${body.what}` : ""}`, body);
});

const chatOf = (model, openid) => model.phone?.people.find((one) => one.openid === openid)?.chat ?? [];
const customerOf = (model, openid) => model.desk?.customers.find((one) => one.openid === openid);
const settled = (model) => model.state?.counts.open === 0;

/** Each step: whether it is done. */
const STEPS = {
  follow: (model) => {
    const body = acted.get("follow") ?? acted.get("scan");
    return body && customerOf(model, body.openid);
  },
  say: (model) => {
    const body = acted.get("say");
    return body && customerOf(model, body.openid)?.talk.some((one) => one.inbound && one.text === body.text.trim());
  },
  answer: (model) => {
    const body = acted.get("answer");
    return body && model.phone?.people.some((one) => one.chat.some((line) => !line.mine && line.text === body.text));
  },
  change: (model) => {
    const body = acted.get("change");
    const customer = body && model.desk?.customers.find((one) => one.object_id === body.object_id);
    return customer && settled(model) && chatOf(model, customer.openid).some((line) => !line.mine);
  },
  page: () => acted.has("open"),
  outage: (model) => acted.has("break c4c_down") && acted.has("mend c4c_down") && settled(model) && !model.state.troubles.c4c_down,
  kill: (model) => acted.has("break daemon") && acted.has("mend daemon") && model.state?.daemon.up,
};

export function followGuide(model) {
  for (const [name, holds] of Object.entries(STEPS)) if (holds(model)) done.add(name);
}

export function showGuide() {
  const language = document.documentElement.lang;
  const names = Object.keys(STEPS);
  const next = names.find((name) => !done.has(name));
  const items = names.map((name) => ({ name, done: done.has(name), next: name === next, language }));
  keyed(document.getElementById("guide"), items, (one) => one.name, (one) => h("li", {
    class: one.done ? "step done" : one.next ? "step next" : "step", "aria-current": one.next ? "step" : null,
  }, h("span", { class: "tick" }, one.done ? "✓" : String(names.indexOf(one.name) + 1)), " ", h("b", {}, t(`step_${one.name}`)), " ",
  h("small", {}, one.done ? t("stepDone") : t(`step_${one.name}_how`))));
}
