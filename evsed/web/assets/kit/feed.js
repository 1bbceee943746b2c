// The event stream of the station, opened once for all tabs: this module runs as a shared worker,
// or inside the page where there are no shared workers.

const REOPEN_MS = [300, 1000, 1500, 2000]; // a home network: no reason to wait longer
const FAILURES_BEFORE_POLLING = 3;
const POLL_MS = 2000;
const STALE_MS = 7000; // something is sent every five seconds
const DEAD_TAB_MS = 40000; // tabs say every ten seconds that they are there
const NAMES = ["hello", "state", "detail", "config", "session", "limits", "bye"];

export class Feed {
  // root: where the API is; tell(name, data): an event, "failed" with the number of failures in a
  // row, or "polled" with what a question brought
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.wanted = false;
    this.source = null;
    this.failures = 0;
    this.heardAt = 0;
    this.lastId = "";
    this.last = {}; // newest pictures, for a tab that comes later
    setInterval(() => this.poll(), POLL_MS);
    setInterval(() => this.watch(), 1000);
  }

  want(wanted) {
    this.wanted = wanted;
    if (!wanted) this.close();
    else if (!this.source || Date.now() - this.heardAt > STALE_MS) this.open();
  }

  open() {
    this.close();
    const from = this.lastId ? `?lastEventId=${encodeURIComponent(this.lastId)}` : "";
    this.source = new EventSource(`${this.root}/events${from}`);
    this.heardAt = Date.now();
    for (const name of NAMES) this.source.addEventListener(name, (event) => this.take(name, event));
    this.source.addEventListener("error", () => this.fail());
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  take(name, event) {
    this.heardAt = Date.now();
    this.failures = 0;
    if (event.lastEventId) this.lastId = event.lastEventId;
    const data = JSON.parse(event.data);
    if (name !== "config" && name !== "bye") this.last[name] = data;
    this.tell(name, data);
  }

  fail() {
    this.close();
    const pause = REOPEN_MS[Math.min(this.failures, REOPEN_MS.length - 1)];
    this.failures += 1;
    this.tell("failed", this.failures);
    this.timer = setTimeout(() => this.wanted && this.open(), pause);
  }

  // A stream that is silent too long is dead, whatever the browser thinks of it: after sleep.
  watch() {
    if (this.wanted && this.source && Date.now() - this.heardAt > STALE_MS) this.fail();
  }

  async poll() {
    if (!this.wanted || this.failures < FAILURES_BEFORE_POLLING) return;
    try {
      const [state, detail] = await Promise.all([this.ask("state"), this.ask("reason")]);
      if (this.failures >= FAILURES_BEFORE_POLLING) this.tell("polled", { state, detail });
    } catch {
      // silence shows by itself
    }
  }

  async ask(path) {
    const answer = await fetch(`${this.root}/${path}`, { cache: "no-store" });
    return answer.ok ? answer.json() : null;
  }
}

// In a shared worker: a feed for all tabs, open while at least one of them is looked at.
if ("onconnect" in globalThis && "SharedWorkerGlobalScope" in globalThis) {
  const tabs = new Map(); // port: {visible, at}
  const feed = new Feed(new URL(self.name, location.href).href, (name, data) => {
    for (const port of tabs.keys()) port.postMessage([name, data]);
  });
  const settle = () => {
    for (const [port, tab] of tabs) if (Date.now() - tab.at > DEAD_TAB_MS && tab.visible) tabs.delete(port);
    feed.want([...tabs.values()].some((tab) => tab.visible));
  };
  self.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data: visible }) => {
      const known = tabs.has(port);
      if (visible === null) tabs.delete(port);
      else tabs.set(port, { visible, at: Date.now() });
      if (!known && visible !== null) {
        port.postMessage(["there"]);
        for (const [name, data] of Object.entries(feed.last)) port.postMessage([name, data]);
      }
      settle();
    };
    port.start();
  };
  setInterval(settle, 5000);
}
