// Forms over a block of /config: fields by declaration, ranges from the station's own description.

import { html, signal, useEffect } from "../vendor/preact.js";
import { get, post, quietly, readConfig } from "./data.js";
import { Card, Field, Switch, useDraft } from "./ui.js";
import { t } from "./words.js";

const described = signal(null); // the OpenAPI document

// What the station says of the keys of a block: minimum, maximum, enum, maxLength.
export function useShape(section) {
  useEffect(() => {
    if (!described.value) quietly(get("openapi.json", 20000).then((document) => (described.value = document)));
  }, []);
  const answer = described.value?.paths[`/config/${section}`]?.get.responses["200"].content["application/json"].schema;
  return answer?.items?.properties ?? answer?.properties ?? {};
}

// Writes to a block and reads everything back.
export async function writeConfig(section, patch) {
  await post(`config/${section}`, patch);
  await quietly(readConfig());
}

// One field of a draft. field: {key, label, kind, unit, per, step, hint, options, off}; per: how many
// of the station's units make one of what is shown; off: why it cannot be changed.
export function DraftField({ field, draft, shape = {} }) {
  const { key, label, kind = "number", unit, per = 1, step, hint, options, off, ...more } = field;
  const error = draft.error(key);
  if (kind === "switch") {
    return html`<${Switch} label=${label} hint=${off || error || hint} checked=${draft.value(key)} disabled=${Boolean(off)}
      name=${key} onChange=${(checked) => draft.set(key, checked)} />`;
  }
  const range = kind === "number" && shape.maximum !== undefined
    ? { min: (shape.minimum ?? 0) / per, max: shape.maximum / per } : {};
  const toShown = (value) => kind === "number" && value !== null ? Math.round((value / per) * 1e4) / 1e4 : value;
  const toSent = (value) => kind === "number" && value !== null && per !== 1 ? Math.round(value * per) : value;
  return html`<${Field} label=${label} kind=${kind} unit=${unit} step=${step ?? "any"} hint=${hint} error=${error} options=${options}
    name=${key} maxlength=${kind === "number" ? undefined : shape.maxLength} ...${range} ...${more}
    value=${toShown(draft.value(key))} onInput=${(value) => draft.set(key, toSent(value))} />`;
}

// A card with a form. there: the object of the station; fields: declarations; send(patch).
export function FormCard({ title, intro, there, fields, shape = {}, send, children }) {
  const draft = useDraft(there, send);
  const shown = fields.filter(Boolean);
  return html`
    <${Card} title=${title}>
      ${intro && html`<p class="hint intro">${intro}</p>`}
      <form ref=${draft.form} onSubmit=${draft.save} novalidate>
        <div class="fields">
          ${shown.filter((one) => one.kind !== "switch").map((one) => html`<${DraftField} key=${one.key} field=${one} draft=${draft} shape=${shape[one.key]} />`)}
        </div>
        ${shown.filter((one) => one.kind === "switch").map((one) => html`<${DraftField} key=${one.key} field=${one} draft=${draft} />`)}
        ${children}
        ${draft.foot}
      </form>
    <//>`;
}

export const sending = (section) => (patch) => writeConfig(section, patch);

// A word of the station with the text that stands for it; words it cannot do are greyed.
export const choices = (words, permitted) =>
  Object.entries(words).map(([value, text]) => [value, t(text), permitted ? !permitted.includes(value) : false]);
