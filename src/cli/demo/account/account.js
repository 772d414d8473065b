// The demo's own small page: what Qiao's API tells a follower of themselves. A team serves its own in its place.

const WORDS = {
  zh: { title: "我的账户", details: "资料", mobile: "修改手机号", save: "保存", tickets: "我的工单", history: "聊天记录", nobody: "微信用户",
    number: "客户编号 {n}", waiting: "修改已提交，正在送往客户系统…", held: "修改需要人工处理。", failed: "修改没有成功。", done: "已更新。", none: "暂无",
    open: "处理中", ended: "已结束", in: "我", out: "客服", wrong: "这不像一个手机号。", gone: "登录已失效，请从菜单重新打开。",
    FirstName: "名", LastName: "姓", Mobile: "手机", Email: "邮箱" },
  en: { title: "My account", details: "Details", mobile: "Change my mobile number", save: "Save", tickets: "My tickets", history: "My conversation", nobody: "WeChat user",
    number: "Customer {n}", waiting: "On its way to the customer system…", held: "A person must look at this change.", failed: "The change did not succeed.", done: "Changed.", none: "none",
    open: "open", ended: "ended", in: "me", out: "agent", wrong: "This does not look like a mobile number.", gone: "The session has ended; open the page from the menu again.",
    FirstName: "First name", LastName: "Last name", Mobile: "Mobile", Email: "Email" },
};
const language = navigator.language.startsWith("zh") ? "zh" : "en";
const t = (key, n = "") => (WORDS[language][key] ?? key).replace("{n}", n);
const at = (id) => document.getElementById(id);

// Below the path of `public_url`, whatever that is.
const api = (path) => new URL(`../api/${path}`, location.href);

/** How often a change on its way is looked at, milliseconds. */
const LOOK_AGAIN = 700;

function item(name, ...children) {
  const element = document.createElement(name);
  element.append(...children);
  return element;
}

async function ask(path, options) {
  const answer = await fetch(api(path), options);
  const told = await answer.json();
  if (answer.ok) return told;
  if (answer.status === 401) trouble(t("gone"));
  throw new Error(told.error);
}

function trouble(text) {
  at("trouble").textContent = text;
  at("trouble").hidden = text === "";
}

let waited = false;

async function showMe() {
  const me = await ask("me");
  at("name").textContent = me.profile.name ?? t("nobody");
  at("avatar").hidden = !me.profile.avatar;
  if (me.profile.avatar) at("avatar").src = me.profile.avatar;
  at("number").textContent = me.customer ? t("number", me.customer.customer_id) : "";
  const fields = Object.entries(me.customer?.fields ?? {}).filter(([, value]) => value);
  at("fields").replaceChildren(...fields.flatMap(([name, value]) => [item("dt", t(name)), item("dd", value)]));
  const tickets = me.tickets.map((one) => item("li", one.ticket_id, " ", item("small", t(one.state))));
  at("tickets").replaceChildren(...(tickets.length ? tickets : [item("li", t("none"))]));
  const pending = me.pending[0];
  at("pending").textContent = pending ? t(pending.state) : waited ? t("done") : "";
  if (pending?.state === "waiting") {
    waited = true;
    setTimeout(() => showMe().catch(() => {}), LOOK_AGAIN);
  }
}

async function showHistory() {
  const { messages } = await ask("me/history?limit=20");
  const lines = messages.map((one) => item("li", item("small", `${t(one.direction)} `), one.text ?? one.kind));
  at("history").replaceChildren(...lines);
}

at("mobile").addEventListener("submit", async (event) => {
  event.preventDefault();
  trouble("");
  try {
    const body = JSON.stringify({ mobile: at("new").value });
    await ask("me/mobile", { method: "POST", headers: { "content-type": "application/json" }, body });
    at("new").value = "";
    waited = true;
    await showMe();
  } catch (fault) {
    if (at("trouble").hidden) trouble(fault.message || t("wrong"));
  }
});

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
document.title = t("title");
for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
showMe().then(showHistory).catch(() => trouble(t("gone")));
