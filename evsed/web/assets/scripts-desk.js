// The file on the desk: opened, edited, saved if nobody else has changed it meanwhile.

import { ask } from "./scripts-ask.js";
import { read, write } from "./scripts-dav.js";
import { Editor } from "./scripts-editor.js";
import { size, tell } from "./scripts-elements.js";
import { hashOf } from "./scripts-places.js";
import { say } from "./scripts-words.js";

const LONGEST = 256 * 1024;
const byId = (id) => document.getElementById(id);
const feedback = byId("editor-feedback");

// told: saved(path) after a file was written, opened(path or null)
export class Desk {
  constructor(told) {
    this.told = told;
    this.path = null;
    this.etag = null;
    this.kept = ""; // the text as the station has it
    this.windows = false; // lines end as on Windows
    this.reloads = null; // "auto", "button", or null while scripts do not run
    this.busy = false;
    const parts = {
      area: byId("code"), colors: byId("code-colors"), numbers: byId("code-numbers"), mark: byId("code-mark"),
    };
    this.editor = new Editor(parts, () => this.onChange());
    byId("save").addEventListener("click", () => this.save());
    byId("save-reload").addEventListener("click", () => this.saveAndReload());
    byId("close-file").addEventListener("click", () => this.close());
    byId("load-theirs").addEventListener("click", () => this.load(this.path));
    byId("save-mine").addEventListener("click", () => this.save({ anyway: true }));
    document.addEventListener("keydown", (event) => this.onKey(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.dirty) event.preventDefault();
    });
  }

  get dirty() {
    return this.path !== null && this.editor.text !== this.kept;
  }

  // Opens a file, at a line if there is one; asks before changes are lost.
  async open(path, line = 0) {
    if (path !== this.path) {
      if (!(await this.mayLeave()) || !(await this.load(path))) return;
    }
    history.replaceState(null, "", hashOf(path, line));
    byId("code").parentElement.scrollIntoView({ block: "center" });
    if (line) {
      this.editor.jump(line);
      tell(feedback, say("editor.line", { line }));
    } else {
      byId("code").focus({ preventScroll: true });
    }
  }

  async load(path) {
    tell(feedback, say("editor.opening"));
    try {
      const { bytes, etag } = await read(path);
      const text = textOf(bytes);
      if (text === null) {
        tell(feedback, say("files.not-text", { name: nameOf(path), size: size(LONGEST) }), "refused");
        return false;
      }
      this.windows = /\r\n/.test(text) && !/(^|[^\r])\n/.test(text);
      this.take(path, etag, text.replace(/\r\n/g, "\n"));
      tell(feedback, "");
      return true;
    } catch (error) {
      const reason = `${nameOf(path)}: ${error.message}`;
      tell(feedback, say("page.refused", { reason }), "refused");
      return false;
    }
  }

  take(path, etag, text) {
    [this.path, this.etag] = [path, etag];
    this.editor.show(text, { lua: path.endsWith(".lua") });
    this.kept = this.editor.text;
    byId("editor-name").textContent = path;
    byId("code").setAttribute("aria-label", say("editor.field", { name: path }));
    this.showConflict(null);
    this.show();
    this.told.opened(path);
  }

  async mayLeave() {
    if (!this.dirty) return true;
    const title = say("editor.discard-title", { name: nameOf(this.path) });
    const text = say("editor.discard-text");
    const answer = await ask({ title, text, action: say("editor.discard"), danger: true });
    return answer !== null;
  }

  async close() {
    if (await this.mayLeave()) this.clear();
  }

  clear() {
    this.path = null;
    history.replaceState(null, "", location.pathname);
    tell(feedback, "");
    this.showConflict(null);
    this.show();
    this.told.opened(null);
  }

  // Tells whether the file is safe on the station.
  async save({ anyway = false } = {}) {
    if (this.path === null || this.busy) return false;
    const [path, text] = [this.path, this.editor.text];
    this.busy = true;
    tell(feedback, say("editor.saving"));
    try {
      const sent = this.windows ? text.replace(/\n/g, "\r\n") : text;
      this.etag = await write(path, sent, anyway ? undefined : this.etag);
      this.kept = text;
      this.showConflict(null);
      const words = { auto: "editor.saved-auto", button: "editor.saved-reload" };
      tell(feedback, say(words[this.reloads] ?? "editor.saved"), "done");
      this.told.saved(path);
      return true;
    } catch (error) {
      if (error.conflict) this.showConflict("editor.conflict");
      tell(feedback, error.conflict ? "" : say("page.refused", { reason: error.message }), "refused");
      return false;
    } finally {
      this.busy = false;
      this.show();
    }
  }

  async saveAndReload() {
    if (await this.save()) await this.told.reload();
  }

  // Looks whether the file is still the one that was opened; entries are those of its folder.
  compare(entries) {
    if (this.path === null || this.busy) return;
    const entry = entries.find(({ path }) => path === this.path);
    if (entry?.etag === this.etag) {
      this.showConflict(null);
    } else if (byId("conflict").hidden) {
      this.showConflict(entry ? "editor.newer" : "editor.gone");
    }
  }

  moved(from, to) {
    if (this.path === null || !`${this.path}/`.startsWith(`${from.replace(/\/$/, "")}/`)) return;
    this.path = to.replace(/\/$/, "") + this.path.slice(from.replace(/\/$/, "").length);
    this.editor.lua = this.path.endsWith(".lua");
    byId("editor-name").textContent = this.path;
    history.replaceState(null, "", hashOf(this.path));
    this.editor.paintSoon();
  }

  removed(path) {
    if (this.path !== null && (this.path === path || this.path.startsWith(path))) this.clear();
  }

  // whether scripts reload by themselves ("auto"), by a button, or do not run (null)
  setReloads(how) {
    this.reloads = how;
    this.show();
  }

  showConflict(key) {
    byId("conflict").hidden = key === null;
    byId("load-theirs").hidden = key === "editor.gone";
    if (key) byId("conflict-text").textContent = say(key);
  }

  show() {
    const open = this.path !== null;
    byId("editor-empty").hidden = open;
    byId("editor-open").hidden = !open;
    byId("save-reload").hidden = this.reloads !== "button";
    byId("editor-dirty").hidden = !this.dirty;
  }

  onChange() {
    if (feedback.dataset.kind !== "refused") tell(feedback, "");
    this.show();
  }

  onKey(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && this.path) {
      event.preventDefault();
      this.save();
    }
  }
}

export const nameOf = (path) => path.split("/").filter(Boolean).pop() ?? "";

// Returns the text of a file, null when it is none or too long to be edited here.
function textOf(bytes) {
  if (bytes.byteLength > LONGEST) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
