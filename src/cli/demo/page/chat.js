// What stands in a chat, as WeChat shows it.

import { h, keyed } from "./dom.js";
import { maybe, t } from "./texts.js";

const SYSTEM = ["followed", "left", "scanned", "tapped", "opened"];

export function showChat(box, person) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const lines = person.chat.map((line) => ({ ...line, of: person.openid, in: document.documentElement.lang }));
  keyed(box, lines, (line) => line.of + line.key, lineOf);
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function lineOf(line) {
  if (SYSTEM.includes(line.kind)) {
    const what = maybe(`key_${line.text}`) || maybe(`code_${line.text}`) || line.text;
    const did = line.kind === "followed" && line.text ? "did_followedBy" : `did_${line.kind}`;
    return h("p", { class: "system" }, t(did, { what }), failed(line));
  }
  if (line.kind === "banner") return h("p", { class: "system banner" }, line.text);
  if (line.kind === "template") return template(line);
  if (line.kind === "news") return h("div", { class: "cards" }, ...line.articles.map((one) => article(line, one)));
  return h("div", { class: line.mine ? "line mine" : "line" },
    h("span", { class: "avatar", "aria-hidden": "true" }, line.mine ? "我" : "桥"),
    bubble(line), line.mine ? failed(line) : null);
}

function bubble(line) {
  if (line.picture) return h("img", { class: "picture", src: line.picture, alt: t("picture") });
  if (line.kind === "location") {
    return h("div", { class: "bubble place" }, h("span", { class: "pin", "aria-hidden": "true" }, "◉"), line.text);
  }
  return h("div", { class: "bubble" }, ...linked(line.text, line.of));
}

/** Texts with links that open inside the phone. */
function linked(text, openid) {
  return text.split(/(https?:\/\/[^\s，。）]+)/).map((piece, number) => {
    if (number % 2 === 0) return piece;
    return h("button", { type: "button", class: "link", onclick: () => open(openid, piece) }, piece);
  });
}

function open(openid, url) {
  document.dispatchEvent(new CustomEvent("open-page", { detail: { openid, url } }));
}

function article(line, { title, url }) {
  return h("button", { type: "button", class: "card", onclick: () => open(line.of, url) },
    h("span", { class: "cover", "aria-hidden": "true" }, "桥"), h("b", {}, title), h("small", {}, t("read")));
}

/** A template message: its title is the template's, which the account's console knows. */
function template(line) {
  const rows = line.text.split("\n").map((row) => row.split(/: (.*)/s));
  return h("div", { class: "card template" }, h("b", {}, t("notice")),
    h("dl", {}, ...rows.flatMap(([key, value]) => [h("dt", {}, maybe(`keyword_${key}`) || key), h("dd", {}, value ?? "")])));
}

/** How far an own line came, when that needs a word. */
function failed(line) {
  if (line.state === "failed") return h("small", { class: "undelivered" }, t("undelivered"));
  if (line.state === "sending" && line.tries > 1) return h("small", { class: "again" }, t("again", { n: line.tries }));
  return null;
}
