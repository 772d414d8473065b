// Left: the phones. Who holds one, and what its screen shows.

import { h, keyed, write } from "./dom.js";
import { t } from "./texts.js";
import { act } from "./link.js";
import { showChat } from "./chat.js";
import { menuBar, scanButtons } from "./menu.js";
import { openPage, showWays } from "./frame.js";

let screenOf = null;

export function showPhone(model, choose) {
  const people = model.phone.people;
  showPeople(people, model.openid, choose);
  showWays(document.getElementById("ways"));
  const person = people.find((one) => one.openid === model.openid);
  const phone = document.getElementById("phone");
  if (!person) {
    screenOf = null;
    phone.replaceChildren();
    return;
  }
  const screen = JSON.stringify([person.openid, person.subscribed, person.menu, model.phone.codes, document.documentElement.lang]);
  if (screenOf !== screen) {
    screenOf = screen;
    phone.replaceChildren(...(person.subscribed ? chatScreen : profileScreen)(person, model.phone.codes));
  }
  const title = phone.querySelector(".account");
  write(title, person.typing ? t("typing") : t("account"));
  showChat(phone.querySelector(".chat"), person);
}

function showPeople(people, chosen, choose) {
  const box = document.getElementById("people");
  const language = document.documentElement.lang;
  const chips = people.map(({ openid, name, subscribed }) => ({ openid, name, subscribed, chosen: openid === chosen, language }));
  chips.push({ openid: "new", name: t("invite") });
  keyed(box, chips, (one) => one.openid, (one) => {
    if (one.openid === "new") {
      const invite = () => document.dispatchEvent(new Event("invite"));
      return h("button", { type: "button", class: "chip add", onclick: invite }, one.name);
    }
    const word = one.subscribed ? t("follows") : t("followsNot");
    return h("button", {
      type: "button", class: one.subscribed ? "chip follows" : "chip",
      "aria-pressed": String(one.chosen), onclick: () => choose({ openid: one.openid }),
    }, h("b", {}, one.name), " ", h("small", {}, word));
  });
}

function titleBar() {
  return h("div", { class: "bar" }, h("span", { class: "account" }), h("span", { class: "more", "aria-hidden": "true" }, "···"));
}

/** The talk with an account that one follows. */
function chatScreen(person, codes) {
  const chat = h("div", { class: "chat", role: "log", "aria-label": t("chat"), tabindex: "0" });
  return [titleBar(), chat, menuBar(person, codes)];
}

/** What WeChat shows of an account before one follows it. */
function profileScreen(person, codes) {
  const follow = () => act("follow", { openid: person.openid });
  const chat = h("div", { class: "chat profile-chat", role: "log", "aria-label": t("chat"), tabindex: "0" });
  const profile = h("div", { class: "profile" },
    h("span", { class: "avatar big", "aria-hidden": "true" }, "桥"),
    h("p", { class: "name" }, t("account")),
    h("p", {}, t("accountSays")),
    h("button", { type: "button", class: "follow", id: "follow", onclick: follow }, t("follow")),
    h("div", { class: "codes" }, ...scanButtons(person.openid, codes)));
  return [titleBar(), profile, chat];
}

document.addEventListener("open-page", ({ detail }) => openPage(document.getElementById("phone"), detail));
