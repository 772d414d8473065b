// Pages inside the phone: they open as WeChat opens them, so it is known who looks, or asked first.

import { h } from "./dom.js";
import { t } from "./texts.js";
import { act } from "./link.js";

/** `chat`: from the account's own chat or menu. `link`: from a link that somebody shared. `snapshot`: as a snapshot. */
const WAYS = ["chat", "link", "snapshot"];

let way = "chat";
let shownIn = null;

export function showWays(box) {
  if (shownIn === document.documentElement.lang) return;
  shownIn = document.documentElement.lang;
  const options = WAYS.map((name) => h("option", { value: name, selected: name === way }, t(`way_${name}`)));
  const choose = (event) => { way = event.target.value; };
  box.replaceChildren(h("label", { for: "way" }, t("ways")), h("select", { id: "way", onchange: choose }, ...options));
}

export async function openPage(phone, { openid, url }) {
  const told = await act("open", { openid, url, way });
  if (!told) return;
  phone.querySelector(".page")?.remove();
  const close = h("button", { type: "button", class: "turn", "aria-label": t("closePage"), onclick: () => page.remove() }, "✕");
  const page = h("div", { class: "page" },
    h("div", { class: "bar" }, close, h("span", { class: "title" }, t("pageTitle"))),
    h("iframe", { src: told.url, title: t("pageTitle") }));
  phone.append(page);
  close.focus();
}
