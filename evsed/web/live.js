// Keeps the page up to date: an event stream, polling when there is none, and the sign when neither.

import { get } from "./api.js";

const SILENT_AFTER_MS = 10000;
const POLL_MS = 2000;
const FAILURES_BEFORE_POLLING = 3;
const REOPEN_MS = [1000, 2000, 4000, 8000, 15000];

export class Live {
  // handlers: state(object), detail(object), config(name), hello(object), link(word, silentSeconds);
  // and if wanted script([{n, line}]), what scripts print, and busy(), true when the page must stay
  constructor(handlers) {
    this.handlers = handlers;
    this.heardAt = performance.now();
    this.link = "connecting";
    this.failures = 0;
    this.bootId = null;
    this.source = null;
    this.reopenTimer = 0;
    setInterval(() => this.watch(), 1000);
    setInterval(() => this.poll(), POLL_MS);
    document.addEventListener("visibilitychange", () => this.onVisibility());
    window.addEventListener("online", () => this.open());
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", () => this.onVisibility());
    this.open();
  }

  open() {
    this.close();
    if (document.hidden) {
      return;
    }
    const source = new EventSource(`api/v1/events${this.handlers.script ? "?script=1" : ""}`);
    this.source = source;
    source.addEventListener("hello", (event) => this.onHello(JSON.parse(event.data)));
    source.addEventListener("state", (event) => this.onPicture("state", event));
    source.addEventListener("detail", (event) => this.onPicture("detail", event));
    source.addEventListener("config", (event) => this.handlers.config(JSON.parse(event.data).name));
    source.addEventListener("script", (event) => this.handlers.script(JSON.parse(event.data)));
    source.addEventListener("error", () => this.onError());
  }

  close() {
    clearTimeout(this.reopenTimer);
    this.source?.close();
    this.source = null;
  }

  onHello(hello) {
    if (this.bootId !== null && this.bootId !== hello.bootId && !this.handlers.busy?.()) {
      location.reload(); // the station was restarted, perhaps with newer scripts
    }
    this.bootId = hello.bootId;
    this.failures = 0;
    this.handlers.hello(hello);
  }

  onPicture(name, event) {
    this.heard("live");
    this.handlers[name](JSON.parse(event.data));
  }

  onError() {
    this.close();
    const pause = REOPEN_MS[Math.min(this.failures, REOPEN_MS.length - 1)];
    this.failures += 1;
    this.reopenTimer = setTimeout(() => this.open(), pause);
  }

  onVisibility() {
    if (document.hidden) {
      this.close();
    } else {
      this.heardAt = performance.now();
      this.open();
    }
  }

  async poll() {
    if (document.hidden || this.failures < FAILURES_BEFORE_POLLING) {
      return;
    }
    try {
      const state = await get("state");
      const detail = await get("reason").catch(() => null);
      this.heard("polling");
      this.handlers.detail(detail);
      this.handlers.state(state);
    } catch {
      // the sign of silence appears by itself
    }
  }

  heard(link) {
    this.heardAt = performance.now();
    this.setLink(link, 0);
  }

  watch() {
    const silentMs = performance.now() - this.heardAt;
    if (silentMs > SILENT_AFTER_MS && !document.hidden) {
      this.setLink("offline", Math.round(silentMs / 1000));
    }
  }

  setLink(link, silentSeconds) {
    if (link !== this.link || link === "offline") {
      this.link = link;
      this.handlers.link(link, silentSeconds);
    }
  }
}
