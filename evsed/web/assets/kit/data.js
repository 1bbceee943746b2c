// What the station says, as signals, and how to ask it for something.

import { computed, effect, signal } from "../vendor/preact.js";
import { Feed } from "./feed.js";
import { perKilowattHour, t } from "./words.js";

const API = new URL("api/v1", document.baseURI).href;
const TIMEOUT_MS = 8000;
const SILENT_AFTER_MS = 10000;
const HERE_EVERY_MS = 10000;

// --- asking ---

// Every failure of a request, with a sentence that can be shown.
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  // The key the station's sentence begins with, or "".
  get key() {
    return /^([A-Za-z[][\w.[\]]*): /.exec(this.message)?.[1] ?? "";
  }
}

async function request(path, options, read, timeoutMs = TIMEOUT_MS) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const answer = await fetch(`${API}/${path}`, { cache: "no-store", ...options, signal: abort.signal });
    if (!answer.ok) throw new ApiError((await answer.text()).trim() || `${answer.status}`, answer.status);
    return await read(answer);
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(t("the station does not answer"), 0);
  } finally {
    clearTimeout(timer);
  }
}

export const get = (path, timeoutMs) => request(path, {}, (answer) => answer.json(), timeoutMs);
// Returns the whole answer: text and headers.
export const ask = (path, options = {}, timeoutMs) => request(path, options, async (answer) => ({
  text: await answer.text(), headers: answer.headers,
}), timeoutMs);

// A value goes as JSON; without one there is no body.
export function post(path, value, timeoutMs) {
  const headers = value === undefined ? {} : { "Content-Type": "application/json" };
  const body = value === undefined ? undefined : JSON.stringify(value);
  return request(path, { method: "POST", headers, body }, (answer) => answer.text(), timeoutMs);
}

// Sends a file; progress(share) is told how much of it has left, 0 to 1.
export function upload(path, file, type, progress) {
  return new Promise((done, failed) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", `${API}/${path}`);
    sending.setRequestHeader("Content-Type", type);
    sending.upload.addEventListener("progress", (event) => event.total && progress(event.loaded / event.total));
    sending.addEventListener("load", () =>
      sending.status < 300 ? done() : failed(new ApiError(sending.responseText.trim() || `${sending.status}`, sending.status)));
    sending.addEventListener("error", () => failed(new ApiError(t("the connection broke off"), 0)));
    sending.send(file);
  });
}

export const urlOf = (path) => `${API}/${path}`;

// --- what is there ---

export const extensions = signal(null); // paths beyond the API; null: not yet known
export const board = signal(null); // GET /board-config
export const info = signal(null); // GET /info
export const config = signal({}); // GET /config, as it was last read
export const has = (path) => (extensions.value ?? []).includes(path);

export async function readConfig() {
  config.value = await get("config");
}

async function readFacts() {
  const [known, whatBoard, whatInfo] = await Promise.all([
    get("extensions").catch(() => ({ energyUnit: "Ws", paths: [] })), get("board-config"), get("info"), readConfig(),
  ]);
  extensions.value = known.paths;
  perKilowattHour.value = known.energyUnit === "Wh" ? 1000 : 3600000;
  board.value = whatBoard;
  info.value = whatInfo;
}

// --- what happens ---

export const state = signal(null); // GET /state
export const detail = signal(null); // GET /reason
export const link = signal("connecting"); // connecting, live, polling, offline
export const silentSeconds = signal(0);
export const offline = computed(() => link.value === "offline");
export const boot = signal(null); // which run of the station
export const changed = signal({ name: "", count: 0 }); // configuration block that has changed
export const finished = signal(null); // newest "session" event
// Pages with something typed but not saved add to it: they are not reloaded.
export const unsaved = signal(0);

let heardAt = Date.now();
let tell = () => {};

function heard(how) {
  heardAt = Date.now();
  silentSeconds.value = 0;
  link.value = how;
}

const takers = {
  hello: (hello) => meet(hello),
  state: (picture) => {
    heard("live");
    state.value = picture;
  },
  detail: (picture) => {
    heard("live");
    detail.value = picture;
  },
  config: ({ name }) => {
    changed.value = { name, count: changed.value.count + 1 };
    quietly(readConfig());
  },
  session: (picture) => (finished.value = picture),
  polled: ({ state: now, detail: more }) => {
    heard("polling");
    detail.value = more;
    state.value = now;
  },
};

export const quietly = (promise) => promise.catch(() => {});

async function meet(hello) {
  if (boot.value === hello.bootId && hello.resumed) return;
  const first = boot.value === null;
  const again = !first && boot.value !== hello.bootId;
  boot.value = hello.bootId;
  if (!first || !info.value) quietly(readFacts());
  if (again && !unsaved.value && (await otherVersion())) location.reload();
}

// After an update the station serves other files than those this page is made of.
async function otherVersion() {
  try {
    const mine = /assets\/\w+\//.exec(import.meta.url)[0];
    return !(await (await fetch(document.baseURI, { cache: "no-cache" })).text()).includes(mine);
  } catch {
    return false;
  }
}

function listen(name, data) {
  takers[name]?.(data);
}

function inPage() {
  const feed = new Feed(API, listen);
  tell = (visible) => feed.want(visible === true);
}

function inWorker() {
  const worker = new SharedWorker(new URL("feed.js", import.meta.url), { type: "module", name: API });
  let there = false;
  const giveUp = () => {
    if (there) return;
    there = true;
    worker.port.close();
    inPage();
    tell(!document.hidden);
  };
  worker.addEventListener("error", giveUp);
  setTimeout(giveUp, 4000);
  worker.port.onmessage = ({ data: [name, data] }) => {
    there = true;
    listen(name, data);
  };
  tell = (visible) => worker.port.postMessage(visible);
}

let started = false;

// Begins to follow the station; called once by the shell.
export function follow() {
  if (started) return;
  started = true;
  if (globalThis.SharedWorker) inWorker();
  else inPage();
  tell(!document.hidden);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) heardAt = Date.now();
    tell(!document.hidden);
  });
  addEventListener("pagehide", () => tell(null));
  addEventListener("pageshow", (event) => event.persisted && tell(!document.hidden));
  addEventListener("online", () => tell(!document.hidden));
  setInterval(() => tell(!document.hidden), HERE_EVERY_MS);
  setInterval(watch, 1000);
  quietly(readFacts());
}

function watch() {
  const silentMs = Date.now() - heardAt;
  if (silentMs > SILENT_AFTER_MS && !document.hidden) {
    link.value = "offline";
    silentSeconds.value = Math.round(silentMs / 1000);
  }
}

// Lines of "log" or "script" as they come: take([{n, line}]), begin() when they start again.
// Only while the page is looked at. Returns what ends it.
export function followLines(name, { begin, take }) {
  let source = null;
  let timer = 0;
  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource(`${API}/events?${name}=1`);
    source.addEventListener("hello", (event) => begin(JSON.parse(event.data).bootId));
    source.addEventListener(name, (event) => take(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      close();
      timer = setTimeout(open, 2000);
    });
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", open);
  open();
  return () => {
    document.removeEventListener("visibilitychange", open);
    close();
  };
}

effect(() => document.body.toggleAttribute("data-offline", offline.value));
