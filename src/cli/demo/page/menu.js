// The bar at the bottom of a chat: the account's menu, or a field to type into, and what else one can send.

import { h } from "./dom.js";
import { maybe, t } from "./texts.js";
import { act } from "./link.js";

/** Places to send. */
const PLACES = [
  { key: "bund", latitude: 31.2397, longitude: 121.4906 },
  { key: "guomao", latitude: 39.9087, longitude: 116.4605 },
];

/** Largest picture to upload, bytes: as the demo's process allows. */
const MOST_PICTURE = 2 << 20;

export function menuBar(person, codes) {
  const bar = h("div", { class: "bottom" });
  const extras = extrasOf(person, codes);
  const buttons = person.menu ?? [];
  let typing = buttons.length === 0;
  const show = () => {
    const flip = () => { typing = !typing; extras.hidden = true; show(); };
    const turn = buttons.length === 0 ? null : h("button", {
      type: "button", class: "turn", "aria-label": t(typing ? "toMenu" : "toKeyboard"), onclick: flip,
    }, typing ? "☰" : "⌨");
    const more = h("button", {
      type: "button", class: "turn", "aria-label": t("more"),
      onclick: () => { extras.hidden = !extras.hidden; },
    }, "＋");
    bar.replaceChildren(...[turn, typing ? keyboard(person) : menu(person, buttons), more].filter(Boolean));
  };
  show();
  return h("div", { class: "below" }, bar, extras);
}

function keyboard(person) {
  const field = h("input", { name: "text", autocomplete: "off", maxlength: "600", "aria-label": t("say"), placeholder: t("say") });
  const say = async (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    const text = field.value;
    field.value = "";
    await act("say", { openid: person.openid, text });
  };
  return h("form", { class: "keyboard", onsubmit: say }, field, h("button", { class: "send" }, t("send")));
}

function menu(person, buttons) {
  return h("div", { class: "menu", role: "group", "aria-label": t("menu") }, ...buttons.map((button) => {
    const below = button.sub_button ?? [];
    if (below.length === 0) return tappable(person, button);
    const list = h("div", { class: "sub", hidden: true }, ...below.map((one) => tappable(person, one)));
    const flip = () => { list.hidden = !list.hidden; };
    return h("div", { class: "over" }, list, h("button", { type: "button", onclick: flip }, `≡ ${button.name}`));
  }));
}

function tappable(person, button) {
  const { openid } = person;
  const tap = async (event) => {
    event.target.closest(".sub")?.setAttribute("hidden", "");
    if (button.type === "view") {
      await act("view", { openid, url: button.url });
      document.dispatchEvent(new CustomEvent("open-page", { detail: { openid, url: button.url } }));
    } else await act("tap", { openid, key: button.key });
  };
  return h("button", { type: "button", onclick: tap }, button.name);
}

/** Pictures, places, codes, and the way out. */
function extrasOf(person, codes) {
  const { openid } = person;
  const upload = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif", id: "upload", onchange: async () => {
    const file = upload.files[0];
    upload.value = "";
    if (!file) return;
    if (file.size > MOST_PICTURE) return document.dispatchEvent(new CustomEvent("refused", { detail: "too large" }));
    await act("picture", { openid, base64: base64(new Uint8Array(await file.arrayBuffer())) });
  } });
  const button = (text, onclick) => h("button", { type: "button", class: "extra", onclick }, text);
  return h("div", { class: "extras", hidden: true },
    button(t("sample"), () => act("picture", { openid, base64: drawn() })),
    h("label", { class: "extra", for: "upload" }, t("upload"), upload),
    ...PLACES.map(({ key, latitude, longitude }) => button(t(key), () => act("place", { openid, latitude, longitude, label: t(`${key}Label`) }))),
    ...scanButtons(openid, codes),
    button(t("unfollow"), () => act("unfollow", { openid })));
}

/** The QR codes that lie around: a poster's, and a customer's own. */
export function scanButtons(openid, codes) {
  return codes.map(({ ticket, scene }) => h("button", {
    type: "button", class: "extra", onclick: () => act("scan", { openid, ticket }),
  }, t("scan", { name: maybe(`code_${scene}`) || t("codeBind") })));
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** A picture of our own: a bridge. */
function drawn() {
  const canvas = h("canvas", { width: "320", height: "200" });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#dcecf7";
  pen.fillRect(0, 0, 320, 200);
  pen.fillStyle = "#3c6e9f";
  pen.fillRect(0, 150, 320, 50);
  pen.strokeStyle = "#5a3c32";
  pen.lineWidth = 10;
  for (const x of [80, 240]) {
    pen.beginPath();
    pen.arc(x, 150, 62, Math.PI, 0);
    pen.stroke();
  }
  pen.fillStyle = "#5a3c32";
  pen.fillRect(0, 78, 320, 12);
  return canvas.toDataURL("image/png").split(",")[1];
}
