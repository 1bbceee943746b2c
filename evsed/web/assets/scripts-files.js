// The list of files, and what can be done with them.

import { ask } from "./scripts-ask.js";
import * as dav from "./scripts-dav.js";
import { button, make, moment, size, tell } from "./scripts-elements.js";
import { FIRST_SCRIPT, say } from "./scripts-words.js";

const TOP = "/usr/";
const FIRST_FOLDER = "/usr/lua/";
const FIRST_FILE = "/usr/lua/init.lua";
const byId = (id) => document.getElementById(id);
const feedback = byId("files-feedback");

const wrongName = (name) => (/^\s*$|\/|^\.\.?$/.test(name) ? say("files.bad-name") : null);

export class Files {
  constructor(desk) {
    this.desk = desk;
    this.folder = FIRST_FOLDER;
    this.entries = [];
    this.shown = "";
    this.failed = false; // the list could not be had; what it shows is old
    byId("new-file").addEventListener("click", () => this.create());
    byId("new-folder").addEventListener("click", () => this.createFolder());
    byId("upload").addEventListener("click", () => byId("upload-file").click());
    byId("upload-file").addEventListener("change", () => this.upload());
    byId("first-file").addEventListener("click", () => this.createFirst());
  }

  async refresh() {
    const folder = this.folder;
    try {
      const listing = await dav.list(folder);
      if (folder !== this.folder) return;
      if (this.failed) tell(feedback, "");
      this.failed = false;
      this.show(listing);
    } catch (error) {
      await this.notListed(folder, error);
    }
  }

  async notListed(folder, error) {
    if (error.status === 404 && folder !== TOP) {
      this.folder = TOP; // somebody removed this folder
      await this.refresh();
      return;
    }
    this.failed = true;
    const absent = error.status === 404;
    tell(feedback, absent ? say("files.absent") : say("page.refused", { reason: error.message }), "refused");
  }

  show({ entries, used, free }) {
    this.entries = entries;
    const known = JSON.stringify([this.folder, entries]);
    const begun = entries.some(({ path }) => path === FIRST_FILE);
    byId("files-folder").textContent = this.folder;
    byId("files-space").textContent =
      used === null ? "" : say("files.space", { used: size(used), free: size(free) });
    byId("files-start").hidden = begun || this.folder !== FIRST_FOLDER;
    byId("files-empty").hidden = entries.length > 0 || this.folder === FIRST_FOLDER;
    if (known !== this.shown) {
      this.shown = known;
      this.showRows();
    }
    if (this.desk.path && this.desk.path.replace(/[^/]*$/, "") === this.folder) this.desk.compare(entries);
  }

  // Keeps the focus where it was: the list is drawn again while somebody walks through it.
  showRows() {
    const list = byId("files");
    const focus = list.contains(document.activeElement) ? document.activeElement.id : "";
    const opened = list.querySelector("[aria-expanded=true]")?.id;
    const rows = this.entries.map((entry) => this.row(entry));
    if (this.folder !== TOP) rows.unshift(this.upRow());
    list.replaceChildren(...rows);
    const again = opened && byId(opened);
    if (again) again.click();
    if (focus) byId(focus)?.focus();
    this.markOpen();
  }

  upRow() {
    const above = this.folder.replace(/[^/]+\/$/, "");
    const act = () => this.enter(above);
    return make("li", {}, button(say("files.up", { name: above }), { className: "file-name", id: "file-up" }, act));
  }

  row(entry) {
    const name = button("", { className: "file-name", id: `file-${entry.path}` }, () =>
      entry.folder ? this.enter(entry.path) : this.desk.open(entry.path),
    );
    const about = entry.folder ? say("files.folder") : `${size(entry.size ?? 0)} · ${moment(entry.modified)}`;
    name.dataset.path = entry.path;
    name.append(
      make("span", { className: "file-title", textContent: entry.folder ? `${entry.name}/` : entry.name }),
      make("span", { className: "file-about", textContent: about }),
    );
    const actions = make("div", { className: "file-actions", hidden: true, id: `actions-${entry.path}` });
    const more = button("⋯", { className: "button small more", id: `more-${entry.path}` }, () => {
      actions.hidden = !actions.hidden;
      more.setAttribute("aria-expanded", String(!actions.hidden));
    });
    more.setAttribute("aria-label", say("files.more", entry));
    more.setAttribute("aria-expanded", "false");
    more.setAttribute("aria-controls", actions.id);
    if (!entry.folder) actions.append(downloadLink(entry));
    actions.append(
      button(say("files.rename"), { id: `rename-${entry.path}` }, () => this.rename(entry)),
      button(say("files.delete"), { id: `delete-${entry.path}`, className: "button small danger" }, () =>
        this.remove(entry),
      ),
    );
    return make("li", {}, make("div", { className: "file-row" }, name, more), actions);
  }

  markOpen() {
    for (const name of byId("files").querySelectorAll(".file-name[data-path]")) {
      if (name.dataset.path === this.desk.path) name.setAttribute("aria-current", "true");
      else name.removeAttribute("aria-current");
    }
  }

  async enter(folder) {
    this.folder = folder;
    tell(feedback, "");
    await this.refresh();
    byId("files").querySelector("button")?.focus();
  }

  // Does something to files, tells how it went, and shows what is there now.
  async act(doing, done) {
    tell(feedback, say("page.sending"));
    try {
      await doing();
      tell(feedback, done, "done");
      return true;
    } catch (error) {
      tell(feedback, say("page.refused", { reason: error.message }), "refused");
      return false;
    } finally {
      await this.refresh();
    }
  }

  async create(name = null, text = "") {
    const path = this.folder;
    const chosen =
      name ??
      (await ask({
        title: say("files.new-title"), label: say("files.name"), value: "new.lua",
        action: say("files.create"), check: wrongName,
      }));
    if (chosen === null) return;
    const made = await this.act(async () => {
      await this.writeNew(path + chosen, chosen, text);
    }, say("files.created", { name: chosen }));
    if (made) await this.desk.open(path + chosen);
  }

  createFirst() {
    this.folder = FIRST_FOLDER;
    return this.create("init.lua", FIRST_SCRIPT);
  }

  async writeNew(path, name, body) {
    try {
      await dav.write(path, body, null);
    } catch (error) {
      throw error.conflict ? new Error(say("files.exists", { name })) : error;
    }
  }

  async createFolder() {
    const path = this.folder;
    const name = await ask({
      title: say("files.new-folder-title"), label: say("files.name"), action: say("files.create"), check: wrongName,
    });
    if (name === null) return;
    await this.act(async () => {
      if (this.entries.some((entry) => entry.name === name)) throw new Error(say("files.exists", { name }));
      await dav.makeFolder(`${path}${name}/`);
    }, say("files.created", { name }));
  }

  async rename(entry) {
    const name = await ask({
      title: say("files.rename-title", entry), label: say("files.name"), value: entry.name,
      action: say("files.rename"), check: wrongName,
    });
    if (name === null || name === entry.name) return;
    const to = entry.path.replace(/[^/]+\/?$/, "") + name + (entry.folder ? "/" : "");
    await this.act(async () => {
      try {
        await dav.move(entry.path, to);
      } catch (error) {
        throw error.conflict ? new Error(say("files.exists", { name })) : error;
      }
      this.desk.moved(entry.path, to);
    }, say("files.renamed", { name }));
    byId(`more-${to}`)?.focus();
  }

  async remove(entry) {
    const text = say(entry.folder ? "files.delete-folder-text" : "files.delete-text");
    const title = say("files.delete-title", entry);
    if ((await ask({ title, text, action: say("files.delete"), danger: true })) === null) return;
    await this.act(async () => {
      await dav.remove(entry.path);
      this.desk.removed(entry.path);
    }, say("files.deleted", entry));
    byId("new-file").focus();
  }

  async upload() {
    const chosen = [...byId("upload-file").files];
    byId("upload-file").value = "";
    for (const file of chosen) {
      const path = this.folder + file.name;
      const there = this.entries.some((entry) => entry.path === path);
      if (there && !(await mayReplace(file))) continue;
      const writing = () => (there ? dav.write(path, file, undefined) : this.writeNew(path, file.name, file));
      if (!(await this.act(writing, say("files.uploaded", file)))) return;
    }
  }
}

async function mayReplace({ name }) {
  const title = say("files.replace-title", { name });
  const text = say("files.replace-text");
  return (await ask({ title, text, action: say("files.replace"), danger: true })) !== null;
}

function downloadLink({ path, name }) {
  return make("a", {
    className: "button small", href: dav.downloadAddress(path), download: name,
    textContent: say("files.download"), id: `download-${path}`,
  });
}
