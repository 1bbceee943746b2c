// The parts pages are made of: cards, buttons, fields, questions, feedback.

import { html, signal, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { offline, unsaved } from "./data.js";
import { t } from "./words.js";

const STROKED = {
  plug: "M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4",
  car: "M3 16.5v-3.2l2.2-1.1 2-4.4A1.8 1.8 0 0 1 8.9 6.8h6.2a1.8 1.8 0 0 1 1.7 1l2 4.4 2.2 1.1v3.2a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1zM5.5 12.2h13M6 17.5v1.7M18 17.5v1.7M6.6 14.8H8M16 14.8h1.4",
  check: "m4.5 12.5 5 5L19.5 7",
  warn: "M12 3.5 2.5 20h19zM12 10v4.5M12 17.3v.1",
  wait: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 7.2V12l3.2 2",
  key: "M8 11.5a4 4 0 1 0 0 8 4 4 0 0 0 0-8m3 1 8-8M16 7.5l2.5 2.5",
  stop: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M6.2 6.2l11.6 11.6",
  home: "m3.5 11.5 8.5-7 8.5 7M6 9.8V19.5h4.5v-5h3v5H18V9.8",
  history: "M4 19.5h16M6.5 16v-5M12 16V5.5M17.5 16V9",
  schedule: "M4.5 6h15v13.5h-15zM4.5 10h15M8.5 3.5v4M15.5 3.5v4M8 13.5h2M14 13.5h2M8 16.5h2",
  settings: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h10M18 17h2M15 5v4M9 10v4M16 15v4",
  scripts: "m8.5 8-4 4 4 4M15.5 8l4 4-4 4M13.5 5.5l-3 13",
  system: "M7 7h10v10H7zM9.5 7V4M14.5 7V4M9.5 20v-3M14.5 20v-3M7 9.5H4M7 14.5H4M20 9.5h-3M20 14.5h-3",
  theme: "M12 3.5a8.5 8.5 0 1 0 0 17zM12 3.5a8.5 8.5 0 0 1 0 17",
  download: "M12 4v11M7.5 11 12 15.5l4.5-4.5M5 19.5h14",
  upload: "M12 16V5M7.5 9 12 4.5 16.5 9M5 19.5h14",
  next: "m9.5 6 6 6-6 6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
};
const FILLED = {
  bolt: "M13.5 2 5 13.2h5.6L9.3 22 19 9.9h-6.2z",
  pause: "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z",
  play: "M7.5 4.5v15l12-7.5z",
};

export const Icon = ({ name, class: look = "glyph" }) => html`
  <svg class=${look} viewBox="0 0 24 24" aria-hidden="true" fill=${FILLED[name] ? "currentColor" : "none"}
       stroke=${FILLED[name] ? "none" : "currentColor"} stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">
    <path d=${FILLED[name] ?? STROKED[name]} />
  </svg>`;

// --- cards ---

// title: of the card; note: at its right, such as feedback; live: greyed while nothing is heard
export function Card({ title, note, live, class: look = "", children, ...more }) {
  const id = useId();
  return html`
    <section class="card ${look}" aria-labelledby=${id} data-live=${live} ...${more}>
      <div class="card-head"><h2 id=${id}>${title}</h2>${note}</div>
      ${children}
    </section>`;
}

export const Rows = ({ rows }) => html`
  <dl class="list">
    ${rows.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "")
      .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

export const Empty = ({ children }) => html`<div class="empty">${children}</div>`;

// A part that is loaded when it is first shown: load: () => import("./part.js"), its default export.
const parts = new Map();

export function Later({ of, load, ...more }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!parts.has(of)) {
      load().then((module) => {
        parts.set(of, module.default);
        redraw((count) => count + 1);
      }, () => {}); // loaded again with the page, when the station is back
    }
  }, [of]);
  const Part = parts.get(of);
  return Part ? html`<${Part} ...${more} />` : null;
}

// --- sending ---

// What became of the last thing sent. say(text, kind): kind "", "done" or "refused"
export function useFeedback() {
  const [said, setSaid] = useState({ text: "", kind: "" });
  const say = (text, kind = "") => setSaid({ text, kind });
  const act = async (sending, done = "") => {
    say(t("Sending…"));
    try {
      const answer = await sending();
      say(done, "done");
      return answer ?? true;
    } catch (error) {
      say(t("Refused: {reason}", { reason: error.message }), "refused");
      return false;
    }
  };
  const note = html`<p class="feedback" role="status" data-kind=${said.kind}>${said.text}</p>`;
  return { say, act, note };
}

// --- controls ---

export const Button = ({ icon, label, kind = "", needs = true, children, disabled, ...more }) => html`
  <button type="button" class="button ${kind}" aria-label=${label} disabled=${disabled || (needs && offline.value)} ...${more}>
    ${icon && html`<${Icon} name=${icon} />`}${children && html`<span>${children}</span>`}
  </button>`;

// Shows what was chosen until the promise that onChange(checked) returns is settled.
export function Switch({ label, hint, checked, onChange, disabled, ...more }) {
  const id = useId();
  const [chosen, setChosen] = useState(null);
  const choose = async (wanted) => {
    setChosen(wanted);
    try {
      await onChange(wanted);
    } finally {
      setChosen(null);
    }
  };
  return html`
    <div class="switch-row">
      <label class="switch">
        <span>${label}</span>
        <input type="checkbox" role="switch" checked=${chosen ?? checked} disabled=${disabled || offline.value}
               aria-describedby=${hint ? id : undefined} onChange=${(event) => choose(event.currentTarget.checked)} ...${more} />
      </label>
      ${hint && html`<p class="hint" id=${id}>${hint}</p>`}
    </div>`;
}

// A labelled field. kind: number, text, password, select (options: [[value, text, disabled]])
export function Field({ label, unit, hint, error, kind = "text", options, value, onInput, onDone, ...more }) {
  const id = useId();
  const notes = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const shared = {
    id, disabled: offline.value, "aria-invalid": error ? "true" : undefined, "aria-describedby": notes, ...more,
  };
  const read = ({ currentTarget: field }) =>
    kind !== "number" ? field.value : field.value === "" ? null : Number(field.value);
  return html`
    <div class="field" data-wrong=${error ? "" : undefined}>
      <label for=${id}>${label}</label>
      ${kind === "select"
        ? html`<select ...${shared} onChange=${(event) => onInput(event.currentTarget.value)}>
            ${options.map(([one, text, off]) => html`<option value=${one} selected=${String(one) === String(value)} disabled=${off}>${text}</option>`)}
          </select>`
        : html`<span class="entry">
            <input type=${kind} inputmode=${kind === "number" ? "decimal" : undefined} value=${value ?? ""} ...${shared}
                   onInput=${(event) => onInput?.(read(event))} onChange=${(event) => onDone?.(read(event))} />
            ${unit && html`<span class="unit" aria-hidden="true">${unit}</span>`}
          </span>`}
      ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
      ${error && html`<p class="field-error" id="${id}-error" role="alert">${error}</p>`}
    </div>`;
}

// --- forms ---

// A draft of an object of the station: only what was touched is sent, the rest shows what is there.
// send(patch) writes it. Returns value(key), set(key, value), error(key), save(), and a footer.
export function useDraft(there, send) {
  const [draft, setDraft] = useState({});
  const [errors, setErrors] = useState({});
  const { say, act, note } = useFeedback();
  const form = useRef(null);
  const dirty = Object.keys(draft).length > 0;
  useEffect(() => {
    if (!dirty) return undefined;
    unsaved.value += 1;
    return () => (unsaved.value -= 1);
  }, [dirty]);
  const set = (key, value) => {
    say("");
    setErrors(({ [key]: _, ...rest }) => rest);
    setDraft(({ [key]: _, ...rest }) => (value === there[key] ? rest : { ...rest, [key]: value }));
  };
  const save = async (event) => {
    event?.preventDefault();
    const problem = await act(() => send(draft).then(() => null, (error) => {
      if (!(error.key in { ...there, ...draft })) throw error;
      return error;
    }), t("Saved"));
    if (problem === true) return setDraft({});
    if (!problem) return undefined;
    say(t("Not saved"), "refused");
    setErrors({ [problem.key]: problem.message });
    requestAnimationFrame(() => form.current?.querySelector("[aria-invalid]")?.focus());
    return undefined;
  };
  const foot = html`
    <div class="form-foot">
      <button type="submit" class="button primary" disabled=${!dirty || offline.value}>${t("Save")}</button>
      ${dirty && html`<${Button} needs=${false} onClick=${() => { setDraft({}); setErrors({}); say(""); }}>${t("Undo")}<//>`}
      ${note}
    </div>`;
  return {
    form, save, set, dirty, foot,
    value: (key) => (key in draft ? draft[key] : there[key]),
    error: (key) => errors[key],
  };
}

// --- questions ---

const question = signal(null);

// Asks once before something that cannot be undone; resolves to true or false.
export const confirmed = ({ title, text, yes, danger = true }) =>
  new Promise((answer) => (question.value = { title, text, yes, danger, answer }));

export function Question() {
  const dialog = useRef(null);
  const asked = question.value;
  useEffect(() => {
    if (asked && !dialog.current.open) dialog.current.showModal();
  }, [asked]);
  if (!asked) return null;
  const answer = (yes) => {
    question.value = null;
    asked.answer(yes);
  };
  return html`
    <dialog class="ask" ref=${dialog} aria-labelledby="ask-title" onCancel=${() => answer(false)}>
      <h2 id="ask-title">${asked.title}</h2>
      <p>${asked.text}</p>
      <div class="ask-answers">
        <${Button} needs=${false} onClick=${() => answer(false)}>${t("Cancel")}<//>
        <${Button} kind=${asked.danger ? "danger" : "primary"} onClick=${() => answer(true)}>${asked.yes}<//>
      </div>
    </dialog>`;
}
