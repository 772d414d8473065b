// The tickets of a customer, what was said, and the agent's answer.

import { h, keyed } from "./dom.js";
import { t } from "./texts.js";
import { act } from "./link.js";

const AGENT = "Li Wei";

export function talkPanel() {
  const answer = h("textarea", { name: "answer", rows: "2", maxlength: "600", "aria-label": t("answer"), placeholder: t("answerHint") });
  return h("div", { class: "talk" },
    h("h3", {}, t("tickets")),
    h("ul", { class: "tickets" }),
    h("h3", {}, t("activities")),
    h("ol", { class: "activities", tabindex: "0", "aria-label": t("activities") }),
    h("form", { class: "answer" }, answer, h("button", { class: "button", id: "send-answer" }, t("sendAnswer"))));
}

export function showTalk(panel, customer) {
  panel.hidden = customer.tickets.length + customer.talk.length === 0;
  const language = document.documentElement.lang;
  const tickets = customer.tickets.map((one) => ({ ...one, language }));
  keyed(panel.querySelector(".tickets"), tickets, (one) => one.id, ticketOf);
  const list = panel.querySelector(".activities");
  const count = list.children.length;
  const said = customer.talk.map((one) => ({ ...one, language }));
  keyed(list, said, (one) => one.id, activityOf);
  if (list.children.length !== count) list.scrollTop = list.scrollHeight;
  const open = customer.tickets.find((one) => one.status !== "3");
  const form = panel.querySelector(".answer");
  form.hidden = !open;
  form.onsubmit = (event) => answer(event, open);
}

async function answer(event, ticket) {
  event.preventDefault();
  const field = event.target.elements.answer;
  if (!field.value.trim() || !ticket) return;
  const told = await act("answer", { ticket: ticket.id, text: field.value.trim(), author: AGENT });
  if (told) field.value = "";
}

function ticketOf(ticket) {
  const done = ticket.status === "3";
  const complete = () => act("complete", { ticket: ticket.id });
  return h("li", {},
    h("div", { class: "ticket" }, h("b", {}, ticket.id), h("span", { class: done ? "status done" : "status" }, t(`ticket_${ticket.status}`)),
      done ? null : h("button", { type: "button", class: "button plain", onclick: complete }, t("complete"))),
    h("p", { class: "subject" }, ticket.name),
    ...ticket.notes.slice(-2).map((note) => h("p", { class: "note" }, note)));
}

function activityOf(one) {
  const at = new Date(one.at).toLocaleTimeString(one.language, { hour12: false });
  return h("li", { class: one.inbound ? "activity" : "activity agent" },
    h("p", { class: "by" }, h("b", {}, one.inbound ? t("follower") : one.author), ` ${at} `, h("small", {}, `#${one.id}`)),
    h("p", {}, one.text),
    ...one.files.map((file) => h("p", { class: "file" }, `${file.name}, ${t("bytes", { n: file.bytes })}`)));
}
