// History: what was charged, when, what it cost; months, one session with its curve, downloads, prices.

import { html, useEffect, useState } from "../vendor/preact.js";
import { detail, finished, get, urlOf } from "../kit/data.js";
import { Button, Card, Empty, Field } from "../kit/ui.js";
import { day, duration, kilowatts, moment, t } from "../kit/words.js";
import { END, energy, money, nameOfMonth, stopOf } from "./history-words.js";
import { PricesCard } from "./history-prices.js";
import { SessionView } from "./history-session.js";
import { Download } from "./parts.js";
import { nameOf } from "./reasons.js";

const AT_ONCE = 50;
const MONTHS_SHOWN = 12;

export default function History({ rest }) {
  const [prices, setPrices] = useState(null);
  const readPrices = () => get("config/sessions").then(setPrices, () => {});
  useEffect(() => {
    readPrices();
  }, []);
  if (/^\d+$/.test(rest[0] ?? "")) return html`<${SessionView} key=${rest[0]} id=${rest[0]} prices=${prices} />`;
  return html`
    <h1>${t("History")}</h1>
    <${Alarms} />
    <${Lists} prices=${prices} />
    ${prices && html`<${PricesCard} prices=${prices} changed=${readPrices} />`}`;
}

// What is not being saved stands here as well as in the log: these are the numbers people bill.
function Alarms() {
  return html`
    <div role="alert">
      ${(detail.value?.alarms ?? []).map((one) => html`<p class="warning" key=${one.name} data-alarm=${one.name}>${one.text}</p>`)}
    </div>`;
}

const filterOf = (month, faulty) => {
  const found = new URLSearchParams();
  if (month) found.set("month", month);
  if (faulty) found.set("faulty", "true");
  return found;
};

function Lists({ prices }) {
  const [months, setMonths] = useState(null);
  const [month, setMonth] = useState("");
  const [faulty, setFaulty] = useState(false);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    get("sessions/months").then(
      (found) => {
        setMonths(found);
        setFailed("");
      },
      (error) => setFailed(error.message),
    );
  }, [finished.value]);
  if (failed) return html`<p class="warning" role="alert">${failed}</p>`;
  if (!months) return null;
  if (!months.length) {
    return html`
      <${Card} title=${t("Sessions")}>
        <${Empty}>${t("Nothing has been charged yet. Every time a car is plugged in, a row is added here.")}<//>
      <//>`;
  }
  const priced = Boolean(prices?.price || prices?.prices.length) || months.some((one) => one.cost > 0);
  const currency = priced ? prices?.currency : null;
  return html`
    <${MonthsCard} months=${months} chosen=${month} choose=${setMonth} currency=${currency} />
    <${SessionsCard} key=${`${month} ${faulty}`} months=${months} month=${month} faulty=${faulty} setMonth=${setMonth} setFaulty=${setFaulty} currency=${currency} />
    <${ExportCard} filter=${filterOf(month, faulty)} narrowed=${Boolean(month || faulty)} />`;
}

// --- months ---

function MonthsCard({ months, chosen, choose, currency }) {
  const [all, setAll] = useState(false);
  const shown = all ? months : months.slice(0, MONTHS_SHOWN);
  const most = Math.max(...shown.map((one) => one.energy), 1);
  return html`
    <${Card} title=${t("Months")} id="months">
      <ul class="bars">
        ${shown.map((one) => html`
          <li key=${one.month}>
            <button type="button" class="bar-row" aria-pressed=${one.month === chosen} onClick=${() => choose(one.month === chosen ? "" : one.month)}>
              <span class="bar-name">${nameOfMonth(one.month)}</span>
              <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect width=${((100 * one.energy) / most).toFixed(1)} height="10" />
              </svg>
              <span class="bar-value"><b>${energy(one.energy)}</b> kWh</span>
              <span class="bar-note">${one.sessions === 1 ? t("1 session") : t("{count} sessions", { count: one.sessions })}${currency ? `, ${money(one.cost, currency)}` : ""}</span>
            </button>
          </li>`)}
      </ul>
      ${months.length > MONTHS_SHOWN && !all && html`<${Button} kind="quiet" needs=${false} onClick=${() => setAll(true)}>${t("Show all months")}<//>`}
    <//>`;
}

// --- sessions ---

function SessionsCard({ months, month, faulty, setMonth, setFaulty, currency }) {
  const [rows, setRows] = useState(null);
  const [next, setNext] = useState(null);
  const [failed, setFailed] = useState("");
  const read = (before) => {
    const query = filterOf(month, faulty);
    query.set("limit", AT_ONCE);
    if (before) query.set("before", before);
    return get(`sessions?${query}`).then(
      (page) => {
        setRows((known) => (before ? [...known, ...page.sessions] : page.sessions));
        setNext(page.next);
        setFailed("");
      },
      (error) => setFailed(error.message),
    );
  };
  useEffect(() => {
    read(null);
  }, [finished.value]);
  return html`
    <${Card} title=${t("Sessions")} id="sessions">
      <div class="log-tools two">
        <${Field} kind="select" label=${t("Month")} value=${month} onInput=${setMonth}
          options=${[["", t("All months")], ...months.map((one) => [one.month, nameOfMonth(one.month)])]} />
        <${Field} kind="select" label=${t("Show")} value=${faulty ? "faulty" : ""} onInput=${(kind) => setFaulty(kind === "faulty")}
          options=${[["", t("all sessions")], ["faulty", t("those with errors")]]} />
      </div>
      ${failed && html`<p class="warning" role="alert">${failed}</p>`}
      ${rows && (rows.length
        ? html`<ol class="sessions">${rows.map((one) => html`<${Row} key=${one.id} session=${one} currency=${currency} />`)}</ol>`
        : html`<${Empty}>${t("No session like that.")}<//>`)}
      ${next && html`<${Button} kind="quiet" onClick=${() => read(next)}>${t("Show older ones")}<//>`}
    <//>`;
}

function Row({ session, currency }) {
  const { id, start, duration: seconds, peakPower, errors, endReason } = session;
  return html`
    <li>
      <a class="session-row" href="#/history/${id}" data-open=${endReason === null || undefined}>
        <span class="session-when"><b>${day(start)}</b> <span>${moment(start).replace(day(start), "").replace(/^[,\s]+/, "")}</span></span>
        <span class="session-energy"><b>${energy(session.energy)}</b> kWh</span>
        <span class="session-facts">
          ${duration(seconds)}, ${t("at most {power} kW", { power: kilowatts(peakPower) })}${currency ? `, ${money(session.cost, currency)}` : ""}
        </span>
        <span class="session-end">${endReason === null ? t("Going on") : t(stopOf(session) ?? END[endReason] ?? nameOf(endReason))}</span>
        ${errors && html`<span class="session-errors">${errors.map((name) => t(nameOf(name))).join(", ")}</span>`}
      </a>
    </li>`;
}

// --- downloads ---

function ExportCard({ filter, narrowed }) {
  const link = (format, table) => {
    const query = new URLSearchParams(filter);
    query.set("format", format);
    query.set("table", table);
    return urlOf(`sessions/export?${query}`);
  };
  return html`
    <${Card} title=${t("Downloads")} id="downloads">
      <p class="hint intro">${narrowed ? t("The sessions chosen above.") : t("All sessions. Choose a month above for less.")} ${t("CSV is for spreadsheets, JSON for programs.")}</p>
      <div class="fill-buttons">
        <${Download} href=${link("csv", "sessions")}>${t("Sessions, CSV")}<//>
        <${Download} href=${link("json", "sessions")}>${t("Sessions, JSON")}<//>
        <${Download} href=${link("csv", "samples")}>${t("Curves, CSV")}<//>
        <${Download} href=${link("json", "samples")}>${t("Curves, JSON")}<//>
      </div>
    <//>`;
}
