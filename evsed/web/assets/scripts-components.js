// Components of the scripts: how each one does, and its parameters as a form.

import { get, post } from "./kit/data.js";
import { button, make, tell } from "./scripts-elements.js";
import { linked } from "./scripts-places.js";
import { say } from "./scripts-words.js";

const SECRET = /pass|pwd|secret|token|credential|api_?key/i;
const TONES = { running: "go", idle: "idle", finished: "idle", failed: "fault", stopped: "fault" };
const byId = (id) => document.getElementById(id);

export class Components {
  constructor() {
    this.cards = new Map();
    this.enabled = false;
    this.names = "";
  }

  setEnabled(enabled) {
    this.enabled = enabled;
    this.showEmpty();
  }

  // Asks how components do; settings: also for their parameters.
  async refresh({ settings = false } = {}) {
    const found = await get("script/components");
    const names = JSON.stringify(found.map(({ id }) => id));
    const others = names !== this.names;
    this.names = names;
    if (others) this.arrange(found);
    for (const one of found) this.cards.get(one.id).showStatus(one);
    this.showEmpty();
    if (settings || others) {
      await Promise.all([...this.cards.values()].map((card) => card.read()));
    }
  }

  // Cards that stay are not touched: somebody may be typing in one.
  arrange(found) {
    const cards = new Map(found.map((one) => [one.id, this.cards.get(one.id) ?? new Card(one.id)]));
    for (const [id, card] of this.cards) if (!cards.has(id)) card.root.remove();
    this.cards = cards;
    for (const [place, card] of [...cards.values()].entries()) {
      const there = byId("components").children[place];
      if (there !== card.root) byId("components").insertBefore(card.root, there ?? null);
    }
  }

  showEmpty() {
    const empty = this.cards.size === 0 || !this.enabled;
    byId("components").hidden = empty;
    byId("components-empty").hidden = !empty;
    const words = say(this.enabled ? "components.none" : "components.off");
    if (byId("components-empty").textContent !== words) byId("components-empty").textContent = words;
  }
}

class Card {
  constructor(id) {
    this.id = id;
    this.shape = "";
    this.fields = [];
    this.status = make("span", { className: "chip" });
    this.title = make("h3", { className: "component-name" });
    this.about = make("p", { className: "hint" });
    this.error = make("p", { className: "component-error", hidden: true });
    this.form = make("form", { noValidate: true, className: "component-form" });
    this.feedback = make("p", { className: "feedback" });
    this.feedback.setAttribute("role", "status");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    this.form.addEventListener("input", () => tell(this.feedback, ""));
    this.root = make(
      "article", { className: "component" },
      make("div", { className: "component-head" }, this.title, this.status),
      this.about, this.error, this.form, this.feedback,
    );
    this.root.dataset.component = id;
  }

  showStatus({ name, description, status, error = "" }) {
    this.title.textContent = name;
    this.about.textContent = description;
    this.about.hidden = !description;
    this.status.hidden = !status;
    tell(this.status, TONES[status] ? say(`status.${status}`) : (status ?? ""));
    this.status.dataset.tone = TONES[status] ?? "idle";
    this.error.hidden = !error;
    if (this.error.textContent !== error) this.error.replaceChildren(...linked(error));
  }

  async read() {
    const answer = await get(`script/components/${encodeURIComponent(this.id)}`);
    if (answer === null) return; // it has just gone
    const shape = JSON.stringify(answer.params.map(({ key, name, type }) => [key, name, type]));
    if (shape !== this.shape) this.build(answer.params);
    this.shape = shape;
    for (const [place, { value }] of answer.params.entries()) this.fields[place].take(value);
  }

  build(params) {
    const typed = new Map(this.fields.filter(({ touched }) => touched).map((field) => [field.key, field]));
    this.fields = params.map((one) => {
      const before = typed.get(one.key);
      return before?.type === one.type ? before : new Field(one);
    });
    const rows = this.fields.map(({ row }) => row);
    const save = make("button", {
      type: "submit", className: "button small", textContent: say("components.save"),
    });
    const nothing = make("p", { className: "hint", textContent: say("components.no-settings") });
    this.form.replaceChildren(...(rows.length ? [...rows, save] : [nothing]));
  }

  async save() {
    const changed = this.fields.filter(({ touched }) => touched);
    const wrong = changed.find((field) => !field.valid);
    for (const field of this.fields) field.input.removeAttribute("aria-invalid");
    if (wrong) return this.refuse(wrong, say("components.not-a-number", { name: wrong.name }));
    if (!changed.length) return tell(this.feedback, say("components.unchanged"));
    tell(this.feedback, say("page.sending"));
    try {
      const params = changed.map(({ key, value }) => ({ key, value }));
      await post(`script/components/${encodeURIComponent(this.id)}`, { params });
      for (const [place, field] of changed.entries()) {
        field.touched = field.value !== params[place].value; // somebody may have gone on typing
      }
      tell(this.feedback, say("components.saved"), "done");
      await this.read().catch(() => {});
    } catch (error) {
      const field = changed.find(({ key }) => error.message.startsWith(`${key}:`));
      this.refuse(field, say("page.refused", { reason: error.message }));
    }
  }

  refuse(field, words) {
    tell(this.feedback, words, "refused");
    if (field) {
      field.input.setAttribute("aria-invalid", "true");
      field.input.focus();
    }
  }
}

// One parameter. It shows what the station has until somebody changes it.
class Field {
  constructor({ key, name, type }) {
    Object.assign(this, { key, name, type, touched: false });
    this.input = make("input", inputKind(key, type));
    this.input.addEventListener("input", () => (this.touched = true));
    const label = make("span", { textContent: name });
    if (type === "boolean") {
      this.input.setAttribute("role", "switch");
      this.row = make("label", { className: "switch setup" }, label, this.input);
    } else {
      this.row = make("div", { className: "field-row" }, make("label", { className: "field" }, label, this.input));
      if (this.input.type === "password") this.row.append(this.showButton());
    }
    this.input.dataset.key = key;
  }

  showButton() {
    const shown = button(say("components.show"), {}, () => {
      const hidden = this.input.type !== "password";
      this.input.type = hidden ? "password" : "text";
      shown.textContent = say(hidden ? "components.show" : "components.hide");
      shown.setAttribute("aria-pressed", String(!hidden));
    });
    shown.setAttribute("aria-label", say("components.show-label", { name: this.name }));
    shown.setAttribute("aria-pressed", "false");
    return shown;
  }

  take(value) {
    if (this.touched) return;
    if (this.type === "boolean") this.input.checked = value === true;
    else if (this.input.value !== String(value ?? "")) this.input.value = value ?? "";
    this.input.placeholder = value === null ? say("components.unset") : "";
  }

  get valid() {
    return !this.input.validity.badInput;
  }

  // An emptied number is null: as the script has it.
  get value() {
    if (this.type === "boolean") return this.input.checked;
    if (this.type === "number") return this.input.value === "" ? null : Number(this.input.value);
    return this.input.value;
  }
}

function inputKind(key, type) {
  if (type === "boolean") return { type: "checkbox" };
  if (type === "number") return { type: "number", step: "any", inputMode: "decimal" };
  return { type: SECRET.test(key) ? "password" : "text", autocomplete: "off", spellcheck: false, maxLength: 4096 };
}
