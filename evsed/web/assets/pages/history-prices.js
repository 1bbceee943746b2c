// What a kWh costs, by the time of day; and how long curves are kept.

import { html } from "../vendor/preact.js";
import { post } from "../kit/data.js";
import { DraftField, useShape } from "../kit/forms.js";
import { Button, Card, Field, useDraft } from "../kit/ui.js";
import { N, t } from "../kit/words.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const SPANS = {
  all: [N("every day"), DAYS], work: [N("Monday to Friday"), DAYS.slice(0, 5)], weekend: [N("Saturday and Sunday"), DAYS.slice(5)],
};
const MOST = 24;
const FIRST = { start: "22:00", end: "06:00", price: 0, days: DAYS };

const spanOf = (days) => Object.keys(SPANS).find((key) => SPANS[key][1].join() === days.join()) ?? "";

export function PricesCard({ prices, changed }) {
  const draft = useDraft(prices, (patch) => post("config/sessions", patch).then(changed));
  const shape = useShape("sessions");
  const windows = draft.value("prices");
  const currency = draft.value("currency");
  const set = (next) => draft.set("prices", JSON.stringify(next) === JSON.stringify(prices.prices) ? prices.prices : next);
  const change = (place, part) => set(windows.map((one, other) => (other === place ? { ...one, ...part } : one)));
  return html`
    <${Card} title=${t("Prices")} id="prices">
      <p class="hint intro">${t("Each minute is charged at the price that is in force in it. Changing prices does not change what has been charged.")}</p>
      <form ref=${draft.form} onSubmit=${draft.save} novalidate>
        <div class="fields">
          <${DraftField} draft=${draft} shape=${shape.price} field=${{ key: "price", label: t("Price of a kWh"), unit: currency }} />
          <${DraftField} draft=${draft} shape=${shape.currency} field=${{ key: "currency", label: t("Currency"), kind: "text", hint: t("A code such as EUR, or a sign.") }} />
          <${DraftField} draft=${draft} shape=${shape.sampleDays} field=${{ key: "sampleDays", label: t("Keep curves for"), unit: t("days") }} />
        </div>
        ${windows.map((one, place) => html`
          <${Window} key=${place} number=${place + 1} window=${one} currency=${currency}
            change=${(part) => change(place, part)} remove=${() => set(windows.filter((_, other) => other !== place))} />`)}
        ${draft.error("prices") && html`<p class="field-error" role="alert">${draft.error("prices")}</p>`}
        ${windows.length < MOST && html`<${Button} kind="quiet" icon="plus" onClick=${() => set([...windows, { ...FIRST, price: draft.value("price") }])}>${t("Another price at some hours")}<//>`}
        ${draft.foot}
      </form>
    <//>`;
}

function Window({ number, window, currency, change, remove }) {
  const span = spanOf(window.days);
  return html`
    <fieldset class="price-window">
      <legend>${t("Price {number}", { number })}</legend>
      <div class="fields">
        <${Field} label=${t("From")} kind="time" value=${window.start} onInput=${(start) => change({ start })} />
        <${Field} label=${t("Until")} kind="time" value=${window.end === "24:00" ? "00:00" : window.end} onInput=${(end) => change({ end: end === "00:00" ? "24:00" : end })} />
        <${Field} label=${t("Days")} kind="select" value=${span} onInput=${(key) => SPANS[key] && change({ days: SPANS[key][1] })}
          options=${[...Object.entries(SPANS).map(([key, [text]]) => [key, t(text)]), ...(span ? [] : [["", window.days.join(", ")]])]} />
        <${Field} label=${t("Price of a kWh")} kind="number" unit=${currency} step="any" value=${window.price} onInput=${(price) => change({ price })} />
      </div>
      <${Button} kind="quiet" icon="close" onClick=${remove}>${t("Remove price {number}", { number })}<//>
    </fieldset>`;
}
