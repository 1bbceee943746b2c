// The start of the Scripts page: the engine, and when each part is asked anew.

import { boot, changed, followLines, get, link, offline, post, unsaved } from "./kit/data.js";
import { surround } from "./kit/shell.js";
import { language } from "./kit/words.js";
import { Components } from "./scripts-components.js";
import { Desk } from "./scripts-desk.js";
import { tell } from "./scripts-elements.js";
import { Files } from "./scripts-files.js";
import { OutputView } from "./scripts-output.js";
import { placeOf } from "./scripts-places.js";
import { fillWords, say } from "./scripts-words.js";
import { effect } from "./vendor/preact.js";

const STATUS_MS = 2000;
const SLOWLY = 5; // every so many times also what seldom changes
const AFTER_SAVE_MS = 1500; // the station reloads about half a second after a file was saved

const byId = (id) => document.getElementById(id);
const quietly = (reading) => reading.catch(() => {});
const feedback = byId("engine-feedback");

const desk = new Desk({
  opened: () => files.markOpen(),
  saved: () => {
    quietly(files.refresh());
    setTimeout(() => quietly(components.refresh({ settings: true })), AFTER_SAVE_MS);
  },
  reload,
});
const files = new Files(desk);
const components = new Components();
const output = new OutputView();
let enabled = false;
let times = 0;

function showEngine(script) {
  enabled = script.enabled;
  byId("engine-enabled").checked = enabled;
  byId("engine-auto").checked = script.autoReload;
  byId("engine-reload").disabled = !enabled;
  byId("engine-state").textContent = say(enabled ? "engine.on" : "engine.off");
  components.setEnabled(enabled);
  output.setEnabled(enabled);
  desk.setReloads(enabled ? (script.autoReload ? "auto" : "button") : null);
}

async function readEngine() {
  showEngine(await get("config/script"));
  await components.refresh({ settings: true });
}

// Sends, tells how it went, and reads back what the station has made of it.
async function act(path, value, done) {
  tell(feedback, say("page.sending"));
  try {
    await post(path, value);
    tell(feedback, done, "done");
  } catch (error) {
    tell(feedback, say("page.refused", { reason: error.message }), "refused");
  }
  await quietly(readEngine());
}

function reload() {
  return act("script/reload", undefined, say("engine.reloaded"));
}

function startEngine() {
  byId("engine-enabled").addEventListener("change", ({ target }) => {
    const done = say(target.checked ? "engine.started" : "engine.stopped");
    act("config/script", { enabled: target.checked }, done);
  });
  byId("engine-auto").addEventListener("change", ({ target }) =>
    act("config/script", { autoReload: target.checked }, say("engine.saved")),
  );
  byId("engine-reload").addEventListener("click", reload);
}

// Links to places open the editor; a link to the place that is open already does so as well.
function startLinks() {
  document.addEventListener("click", (event) => {
    const place = placeOf(event.target.closest?.("a")?.getAttribute("href") ?? "");
    if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    desk.open(place.path, place.line);
  });
  window.addEventListener("hashchange", openLinked);
}

function openLinked() {
  const place = placeOf(location.hash);
  if (place) desk.open(place.path, place.line);
}

async function look() {
  if (document.hidden || offline.value) return;
  times += 1;
  const slowly = times % SLOWLY === 0;
  if (link.value === "polling") await quietly(output.poll());
  if (enabled || slowly) await quietly(components.refresh({ settings: slowly }));
  if (slowly || files.failed) await quietly(files.refresh());
}

function lookAgain() {
  look().finally(() => setTimeout(lookAgain, STATUS_MS));
}

// Calls act(value, before) when a signal has another value than at first, not at once.
function onChange(signal, act) {
  let before = signal.peek();
  effect(() => {
    const value = signal.value;
    if (value !== before) act(value, before);
    before = value;
  });
}

function startFollowing() {
  effect(() => {
    for (const fields of document.querySelectorAll("[data-needs-station]")) fields.disabled = offline.value;
  });
  onChange(boot, () => {
    quietly(readEngine());
    quietly(files.refresh());
  });
  onChange(changed, ({ name }) => name === "script" && quietly(readEngine()));
  // Words that were filled in by hand are filled in again by loading; not over somebody's text.
  onChange(language, () => desk.dirty || location.reload());
  followLines("script", { begin: (run) => output.begin(run), take: (entries) => output.take(entries) });
  setInterval(() => (unsaved.value = desk.dirty ? 1 : 0), 500);
}

async function start() {
  await surround("scripts");
  fillWords(document);
  startEngine();
  startLinks();
  desk.show();
  output.showEmpty();
  openLinked();
  quietly(readEngine());
  quietly(files.refresh());
  setTimeout(lookAgain, STATUS_MS);
  startFollowing();
}

start();
