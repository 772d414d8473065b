// Two languages. Words with data-t stand in the page; all others are asked for when something is shown.

import { zh } from "./words_zh.js";
import { en } from "./words_en.js";

const KEPT = "qiao-demo-language";
const words = { zh, en };
let language = localStorage.getItem(KEPT) ?? (navigator.language.startsWith("zh") ? "zh" : "en");
if (!words[language]) language = "en";

/** A text; `{name}` in it is replaced. */
export function t(key, values = {}) {
  const text = words[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The text of a key that may have none. */
export function maybe(key) {
  return words[language][key] ?? "";
}

/** Shows the page in a language; `changed` shows the rest. */
export function speak(changed) {
  const show = () => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
    for (const name of ["zh", "en"]) {
      document.getElementById(name).setAttribute("aria-pressed", String(name === language));
    }
    changed();
  };
  for (const name of ["zh", "en"]) {
    document.getElementById(name).addEventListener("click", () => {
      language = name;
      localStorage.setItem(KEPT, name);
      show();
    });
  }
  show();
}
