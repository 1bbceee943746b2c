// What scripts print: from the event stream by number, or by counting lines when there is none.

import { make, tell } from "./scripts-elements.js";
import { linked, namesPlace } from "./scripts-places.js";
import { say } from "./scripts-words.js";

const MOST_LINES = 2000;
const NEAR_END_PX = 24;
const byId = (id) => document.getElementById(id);

export class OutputView {
  constructor() {
    this.box = byId("output");
    this.next = 0; // number of the next line of the stream
    this.boot = null; // the run of the station those numbers belong to
    this.counted = 0; // X-Count of the last question
    this.enabled = false;
    byId("output-clear").addEventListener("click", () => this.clear());
    byId("output-download").addEventListener("click", () => this.download());
    byId("output-follow").addEventListener("change", () => this.toEnd());
    this.box.addEventListener("scroll", () => this.onScroll());
  }

  begin(boot) {
    if (boot !== this.boot) [this.boot, this.next] = [boot, 0];
    if (this.counted > 0) {
      [this.counted, this.next] = [0, 0]; // the stream brings all of it again
      this.clear();
    }
  }

  setEnabled(enabled) {
    this.enabled = enabled;
    this.showEmpty();
  }

  // entries: [{n, line}]; after a pause the stream begins with lines that are shown already
  take(entries) {
    const fresh = entries.filter(({ n }) => n >= this.next);
    if (!fresh.length) return;
    const lost = this.next > 0 ? fresh[0].n - this.next : 0;
    const lines = fresh.map(({ line }) => lineOf(line));
    if (lost > 0) lines.unshift(lineOf(say("output.lost", { count: lost })));
    this.next = fresh[fresh.length - 1].n + 1;
    this.add(lines);
  }

  // Without a stream: asks for the lines after those it has; a smaller count means a new beginning.
  async poll() {
    const answer = await fetch(`api/v1/script/output?index=${this.counted}`, { cache: "no-store" });
    if (!answer.ok) return;
    const [text, count] = [await answer.text(), Number(answer.headers.get("X-Count"))];
    if (count < this.counted) {
      this.counted = 0;
      await this.poll();
      return;
    }
    if (this.counted === 0 && text) this.clear();
    this.counted = count;
    this.add(text.split("\n").slice(0, -1).map(lineOf));
  }

  add(lines) {
    if (!lines.length) return;
    this.box.append(...lines);
    while (this.box.childElementCount > MOST_LINES) this.box.firstElementChild.remove();
    this.showEmpty();
    this.toEnd();
    const wrong = lines.filter((line) => line.dataset.kind === "error").pop();
    if (wrong) tell(byId("output-news"), say("output.error", { place: wrong.querySelector("a").textContent }));
  }

  get following() {
    return byId("output-follow").checked;
  }

  toEnd() {
    if (this.following) this.box.scrollTop = this.box.scrollHeight;
  }

  // Scrolling up is enough to read in peace; scrolling to the end follows again.
  onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    byId("output-follow").checked = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  clear() {
    this.box.replaceChildren();
    tell(byId("output-news"), "");
    this.showEmpty();
  }

  showEmpty() {
    const empty = this.box.childElementCount === 0;
    byId("output-empty").hidden = !empty;
    this.box.hidden = empty;
    byId("output-empty").textContent = say(this.enabled ? "output.none" : "output.off");
    byId("output-clear").disabled = byId("output-download").disabled = empty;
  }

  download() {
    const lines = [...this.box.children].map((line) => `${line.textContent}\n`);
    const address = URL.createObjectURL(new Blob(lines, { type: "text/plain" }));
    const link = make("a", { href: address, download: "script-output.txt" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }
}

function lineOf(text) {
  const line = make("div", { className: "output-line" }, ...linked(text));
  if (namesPlace(text)) line.dataset.kind = "error";
  return line;
}
