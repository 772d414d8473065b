// Right: a C4C screen. Customers, and of one of them the fields, the tickets and the talk.

import { h, keyed } from "./dom.js";
import { t } from "./texts.js";
import { act } from "./link.js";
import { showTalk, talkPanel } from "./talk.js";

const FIELDS = ["FirstName", "LastName", "Mobile", "Email"];

let screenOf = null;

export function showDesk(model, choose) {
  const box = document.getElementById("desk");
  const { customers } = model.desk;
  const chosen = customers.find((one) => one.object_id === model.objectId);
  const screen = `${chosen?.object_id} ${document.documentElement.lang}`;
  if (screenOf !== screen) {
    screenOf = screen;
    box.replaceChildren(
      h("div", { class: "shell" }, h("b", {}, "C4C"), h("span", {}, t("shell"))),
      h("div", { class: "customers", role: "group", "aria-label": t("customers") }),
      chosen ? h("div", { class: "object" }) : h("p", { class: "empty" }, t(customers.length ? "choose" : "noCustomers")));
    if (chosen) box.lastChild.append(...objectPage());
  } else if (!chosen) box.lastChild.textContent = t(customers.length ? "choose" : "noCustomers");
  showCustomers(box.querySelector(".customers"), model, choose);
  if (chosen) showObject(box.querySelector(".object"), chosen, nameOf(model, chosen));
}

function nameOf(model, customer) {
  const { FirstName, LastName } = customer.fields;
  const own = LastName === customer.openid ? "" : `${FirstName} ${LastName}`;
  return model.phone?.people.find((one) => one.openid === customer.openid)?.name ?? own;
}

function showCustomers(box, model, choose) {
  const items = model.desk.customers.map((one) => ({
    id: one.object_id, number: one.customer_id, name: nameOf(model, one), chosen: one.object_id === model.objectId,
    open: one.tickets.filter((ticket) => ticket.status !== "3").length,
  }));
  keyed(box, items, (one) => one.id, (one) => h("button", {
    type: "button", class: "customer", "aria-pressed": String(one.chosen), onclick: () => choose({ objectId: one.id }),
  }, h("b", {}, one.number), " ", h("span", {}, one.name), one.open ? h("small", {}, t("openTickets", { n: one.open })) : null));
}

/** A customer's page without what changes. */
function objectPage() {
  const fields = FIELDS.map((name) => h("label", {}, h("span", {}, t(name)), h("input", { name, autocomplete: "off", maxlength: "60" })));
  return [
    h("div", { class: "head" }, h("span", { class: "initials", "aria-hidden": "true" }),
      h("div", {}, h("p", { class: "who" }), h("p", { class: "ids" }))),
    h("form", { class: "fields" }, h("h3", {}, t("details")), ...fields, h("button", { class: "button" }, t("save")), h("span", { class: "saved", role: "status" })),
    talkPanel(),
  ];
}

function showObject(page, customer, name) {
  const { fields } = customer;
  page.querySelector(".initials").textContent = name.slice(0, 1) || "?";
  page.querySelector(".who").textContent = name || `${fields.FirstName} ${fields.LastName}`;
  page.querySelector(".ids").textContent = t("ids", { number: customer.customer_id, openid: customer.openid.slice(0, 10) });
  const form = page.querySelector(".fields");
  for (const input of form.querySelectorAll("input")) {
    const stored = fields[input.name] ?? "";
    // What is being typed stays until it is saved.
    if (input.dataset.stored !== stored) {
      if (input.value === (input.dataset.stored ?? "")) input.value = stored;
      input.dataset.stored = stored;
    }
  }
  form.onsubmit = (event) => save(event, customer.object_id);
  showTalk(page.querySelector(".talk"), customer);
}

async function save(event, objectId) {
  event.preventDefault();
  const form = event.target;
  const changed = [...form.querySelectorAll("input")].filter((input) => input.value !== input.dataset.stored);
  if (changed.length === 0) return;
  const fields = Object.fromEntries(changed.map((input) => [input.name, input.value]));
  const told = await act("change", { object_id: objectId, fields });
  if (told) form.querySelector(".saved").textContent = t("savedText");
}
