// Home: what the car is doing and why, the one big button, the current, the curve, the session.

import { html } from "../vendor/preact.js";
import { config, detail, get, info, offline, post, state } from "../kit/data.js";
import { Button, Card, Icon, Later, useFeedback } from "../kit/ui.js";
import { N, amperes, kilowatts, t } from "../kit/words.js";
import { CurrentCard, CurveCard, HoldersCard, LimitsCard, PhasesCard, SessionCard, StationCard } from "./home-cards.js";
import { ERRORS, REASONS, reasonOf } from "./reasons.js";

export default function Home() {
  const now = state.value;
  const reason = now && reasonOf(now, detail.value);
  const simulated = info.value?.chip === "simulator";
  return html`
    <${Errors} names=${now?.errors ?? []} />
    <${Alarms} raised=${detail.value?.alarms ?? []} />
    <div class="columns">
      <div class="column">
        <${Hero} now=${now} reason=${reason} />
        ${now && html`<${CurrentCard} now=${now} /><${SessionCard} now=${now} /><${CurveCard} />`}
      </div>
      <div class="column">
        ${now && html`
          <${WhyCard} now=${now} reason=${reason} />
          <${HoldersCard} />
          <${LimitsCard} now=${now} />
          <${PhasesCard} now=${now} />
          <${StationCard} now=${now} />`}
      </div>
      ${simulated && html`<${Later} of="simulator" load=${() => import("./simulator.js")} disabled=${offline.value} />`}
    </div>`;
}

// --- errors ---

function Errors({ names }) {
  return html`
    <div class="errors" role="alert" aria-live="assertive">
      ${names.map((name) => html`<${ErrorCard} key=${name} name=${name} />`)}
    </div>`;
}

function ErrorCard({ name }) {
  const unknown = { title: name.replaceAll("_", " "), cause: N("Unknown to this page."), act: N("See the log."), clears: "–" };
  const words = ERRORS[name] ?? unknown;
  const rows = [[t("Cause:"), words.cause], [t("What to do:"), words.act], [t("Clears:"), words.clears]];
  return html`
    <article class="error" data-error=${name}>
      <${Icon} name="warn" />
      <h2>${t(words.title)}</h2>
      <dl>${rows.map(([term, text]) => html`<div><dt>${term} </dt><dd>${t(text)}</dd></div>`)}</dl>
    </article>`;
}

// Not faults: charging goes on, but somebody should know.
function Alarms({ raised }) {
  return html`
    <div class="alarms" role="status">
      ${raised.map(({ name, text }) => html`<p class="warning" key=${name} data-alarm=${name}><${Icon} name="warn" /><span>${text}</span></p>`)}
    </div>`;
}

// --- what is going on ---

// Where the current matters, and whose limits this page shows or sets anyway.
const HELD = ["charging", "starting", "vehicle_not_asking", "paused_by_limit", "controller_lost", "current_too_low"];
const KNOWN = ["user", "settings", "board"];

function explained(reason, words) {
  const more = detail.value;
  if (reason === "maintenance" && more?.maintenance) return more.maintenance;
  const holder = more?.limitedBy;
  const held = holder && HELD.includes(reason) && !KNOWN.includes(holder);
  return held ? `${t(words.text)} ${t("The current is limited by “{owner}”.", { owner: holder })}` : t(words.text);
}

function Hero({ now, reason }) {
  const words = now ? REASONS[reason] : { tone: "idle", icon: "plug", title: N("Connecting…"), text: N("Asking the station how it is.") };
  return html`
    <section class="card hero" data-tone=${words.tone} data-reason=${reason ?? ""} aria-labelledby="headline">
      <${Dial} now=${now} charging=${reason === "charging"} icon=${words.icon} />
      <div class="hero-words">
        <div aria-live="polite" aria-atomic="true" role="status">
          <h1 id="headline">${t(words.title)}</h1>
          <p id="explanation">${explained(reason, words)}</p>
        </div>
        ${now && html`<${Actions} now=${now} />`}
      </div>
    </section>`;
}

function Dial({ now, charging, icon }) {
  const most = now ? Math.max(...now.current) : 0;
  const offered = detail.value?.offeredCurrent || 0;
  const share = charging && offered > 0 ? Math.min(100, (100 * most) / offered) : 0;
  return html`
    <div class="dial" aria-hidden="true">
      <svg class="ring" viewBox="0 0 120 120">
        <circle class="ring-track" cx="60" cy="60" r="53" />
        <circle class="ring-value" cx="60" cy="60" r="53" pathLength="100" stroke-dasharray="${share.toFixed(1)} 100"
                opacity=${share > 0 ? 1 : 0} />
      </svg>
      <div class="dial-face">
        <${Icon} name=${icon} class="dial-icon" />
        ${charging && html`
          <p class="dial-power" id="dial-power">${kilowatts(now.power)}<span>kW</span></p>
          <p class="dial-note">${t("{current} of {offered} A", { current: amperes(most), offered: amperes(offered) })}</p>`}
      </div>
    </div>`;
}

// Sends, then reads back at once: the answer to a write means that the station has taken it.
const written = async (path, value) => {
  await post(path, value);
  state.value = await get("state");
};

function Actions({ now }) {
  const { act, note } = useFeedback();
  return html`
    <div class="actions">
      ${now.pendingAuth && html`
        <${Button} kind="primary" icon="check" id="authorize" onClick=${() => act(() => written("state/authorize"))}>${t("Authorize this session")}<//>`}
      ${now.available
        ? html`
          <${Button} kind=${now.enabled ? "pausing" : "primary"} icon=${now.enabled ? "pause" : "play"} id="toggle-charging"
                     onClick=${() => act(() => written("state/enabled", !now.enabled))}>
            ${now.enabled ? t("Pause charging") : t("Start charging")}<//>`
        : html`
          <${Button} kind="primary" id="into-service" onClick=${() => act(() => written("state/available", true))}>${t("Put into service")}<//>`}
    </div>
    ${note}`;
}

// --- why ---

// What has to be true for energy to flow, in the order in which it becomes true. null: in a fault and
// out of service nobody listens to the car, so nobody knows.
function conditions(now) {
  const unheard = /^[EF]/.test(now.state);
  const connected = unheard ? null : /^[BCD]/.test(now.state);
  const faulty = now.errors !== null;
  return [
    [t("The station works and is in service"), now.available && !faulty],
    [t("A car is plugged in"), connected],
    config.value.evse?.requireAuth && [t("The session is authorized"), connected && !now.pendingAuth],
    [t("Charging is switched on"), now.enabled],
    [t("No limit of this session is reached"), !now.limitReached],
    [t("The car asks for energy"), unheard ? null : /^[CD]/.test(now.state)],
    detail.value && [t("The contactor is closed"), detail.value.contactorClosed],
  ].filter(Boolean);
}

const MET = new Map([[true, ["check", N("yes")]], [false, ["close", N("no")]], [null, ["minus", N("not known now")]]]);

function WhyCard({ now, reason }) {
  const charging = reason === "charging";
  const words = REASONS[reason];
  return html`
    <${Card} title=${charging ? t("Why is it charging?") : t("Why is it not charging?")} live id="why">
      <ol class="checks">
        ${conditions(now).map(([text, met]) => html`
          <li data-met=${String(met)}><${Icon} name=${MET.get(met)[0]} /><span>${text}<span class=${met === null ? "" : "unseen"}>: ${t(MET.get(met)[1])}</span></span></li>`)}
      </ol>
      <p class="changes"><b>${charging ? t("What would end it:") : t("What would change it:")}</b> ${t(words.change)}</p>
    <//>`;
}
