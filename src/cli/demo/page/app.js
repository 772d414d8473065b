// Begins here: keeps what the demo's process tells, and has each part of the page shown.

import { act, listen } from "./link.js";
import { speak, t } from "./texts.js";
import { write } from "./dom.js";
import { showPhone } from "./phone.js";
import { showDesk } from "./desk.js";
import { showRows } from "./rows.js";
import { showCounts, showTroubles } from "./trouble.js";
import { followGuide, showGuide } from "./guide.js";

/** What was told last, and who is looked at. */
const model = { phone: null, desk: null, rows: null, state: null, openid: null, objectId: null };

const shown = {
  phone: () => showPhone(model, choose),
  desk: () => showDesk(model, choose),
  rows: () => showRows(model),
  state: () => {
    showCounts(model.state);
    showTroubles(model.state);
  },
};

/** Both sides look at the same person. */
function choose({ openid, objectId }) {
  const customers = model.desk?.customers ?? [];
  if (openid) {
    model.openid = openid;
    model.objectId = customers.find((one) => one.openid === openid)?.object_id ?? null;
  } else {
    model.objectId = objectId;
    const theirs = customers.find((one) => one.object_id === objectId)?.openid;
    if (model.phone?.people.some((one) => one.openid === theirs)) model.openid = theirs;
  }
  shown.phone();
  shown.desk();
}

let line = false;

function showLine() {
  const down = model.state && !model.state.daemon.up;
  const text = !line ? "lineDown" : model.state?.story ? "story" : down ? "daemonDown" : "live";
  const element = document.getElementById("line");
  write(element, t(text));
  element.dataset.is = text;
}

function showAll() {
  for (const name of Object.keys(shown)) if (model[name]) shown[name]();
  showGuide(model);
  showLine();
}

function heard(name, part) {
  model[name] = part;
  if (name === "phone" && !model.openid) model.openid = newcomer(part)?.openid ?? null;
  if (name === "desk") {
    const theirs = part.customers.find((one) => one.openid === model.openid);
    if (theirs) model.objectId = theirs.object_id;
    if (model.rows) shown.rows();
  }
  if (name === "phone" && model.rows) shown.rows();
  shown[name]();
  followGuide(model);
  showGuide(model);
  showLine();
}

/** The first who does not follow yet: what a newcomer does first is to follow. */
function newcomer(phone) {
  return phone.people.find((one) => !one.subscribed && one.chat.length === 0) ?? phone.people[0];
}

document.addEventListener("refused", ({ detail }) => {
  const said = document.getElementById("said");
  said.textContent = t(`refused_${detail.replaceAll(" ", "_")}`);
  said.hidden = false;
  setTimeout(() => { said.hidden = true; }, 6000);
});

speak(showAll);
listen(Object.keys(shown), heard, (stands) => {
  line = stands;
  showLine();
});
document.addEventListener("invite", async () => {
  const told = await act("person");
  if (told) choose({ openid: told.openid });
});
