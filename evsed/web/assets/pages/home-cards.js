// The cards of Home below the headline.

import { html, signal, useEffect, useRef, useState } from "../vendor/preact.js";
import { ask, board, boot, config, detail, finished, get, has, info, offline, post, quietly, state } from "../kit/data.js";
import { Button, Card, Field, Icon, Later, Rows, useFeedback } from "../kit/ui.js";
import { N, amperes, duration, kilowattHours, kilowatts, moment, number, perKilowattHour, t, timeOfDay } from "../kit/words.js";

const LOWEST_A = 6;
const LIMITS_MS = 3000;
const BUTTON_PAUSE_MS = 600;
const toTenths = (value) => Math.round(value * 10) / 10;

// --- current ---

// Buttons, number field and slider that agree; a value is sent when the hand lets go.
export function CurrentCard({ now }) {
  const [draft, setDraft] = useState(null); // what somebody is about to set
  const { say, act, note } = useFeedback();
  const timer = useRef(0);
  const highest = config.value.evse?.maxChargingCurrent ?? 32;
  const value = draft ?? now.chargingCurrent;
  const send = async (wanted) => {
    clearTimeout(timer.current);
    setDraft(wanted);
    await act(() => post("state/charging-current", wanted), t("Set to {value} A", { value: amperes(wanted) }));
    state.value = await get("state").catch(() => state.value);
    setDraft(null);
  };
  const step = (by) => {
    const wanted = toTenths(Math.min(highest, Math.max(LOWEST_A, (value ?? LOWEST_A) + by)));
    setDraft(wanted);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => send(wanted), BUTTON_PAUSE_MS);
  };
  const filled = Math.min(100, Math.max(0, (100 * (value - LOWEST_A)) / Math.max(1, highest - LOWEST_A)));
  const offered = detail.value?.offeredCurrent || 0;
  return html`
    <${Card} title=${t("Charging current")} note=${note} class="current">
      <div class="stepper">
        <${Button} kind="square" icon="minus" label=${t("1 ampere less")} onClick=${() => step(-1)} />
        <span class="amount">
          <input id="current-number" type="number" inputmode="decimal" min=${LOWEST_A} max=${highest} step="0.1" value=${value}
                 aria-label=${t("Charging current in amperes")} disabled=${offline.value}
                 onInput=${(event) => { say(""); setDraft(event.currentTarget.value === "" ? "" : Number(event.currentTarget.value)); }}
                 onBlur=${() => draft === "" && setDraft(null)}
                 onChange=${(event) => event.currentTarget.value !== "" && send(Number(event.currentTarget.value))} />
          <span class="unit" aria-hidden="true">A</span>
        </span>
        <${Button} kind="square" icon="plus" label=${t("1 ampere more")} onClick=${() => step(1)} />
        <input id="current-slider" class="slider" type="range" min=${LOWEST_A} max=${highest} step="0.1" value=${value}
               aria-label=${t("Charging current, slider")} aria-valuetext="${amperes(value || 0)} A" disabled=${offline.value}
               ref=${(input) => input?.style.setProperty("--filled", `${filled}%`)}
               onInput=${(event) => { say(""); setDraft(toTenths(Number(event.currentTarget.value))); }}
               onChange=${(event) => send(toTenths(Number(event.currentTarget.value)))} />
      </div>
      <p class="scale" aria-hidden="true"><span>${amperes(LOWEST_A)} A</span><span>${amperes(highest)} A</span></p>
      <p class="hint">${offered > 0 && offered < now.chargingCurrent - 0.05 && t("The car is offered {value} A now.", { value: amperes(offered) })}</p>
    <//>`;
}

// --- the last two hours ---

const SPAN_S = 7200;
const LEAST_SPAN_S = 180;
const curve = signal(null); // {times, power, offered}: kW and A

async function readCurve() {
  const { step, end, power, offered } = await get("curve");
  curve.value = {
    times: power.map((_, place) => end - (power.length - 1 - place) * step),
    power: power.map((watts) => watts === null ? null : watts / 1000),
    offered: [...offered],
    step,
  };
}

// What is heard goes on where the station's rows ended.
function note(now) {
  const known = curve.value;
  if (!known || !now) return;
  const at = Date.now() / 1000;
  if (at - (known.times.at(-1) ?? 0) < known.step) return;
  const from = known.times.findIndex((time) => time > at - SPAN_S);
  const rest = (values) => (from > 0 ? values.slice(from) : values);
  curve.value = {
    ...known,
    times: [...rest(known.times), at],
    power: [...rest(known.power), now.power / 1000],
    offered: [...rest(known.offered), detail.value?.offeredCurrent ?? 0],
  };
}

export function CurveCard() {
  useEffect(() => {
    quietly(readCurve());
    const again = () => document.hidden || quietly(readCurve());
    document.addEventListener("visibilitychange", again);
    return () => document.removeEventListener("visibilitychange", again);
  }, [boot.value]);
  useEffect(() => note(state.value), [state.value]);
  const known = curve.value;
  if (!known) return null;
  const to = known.times.at(-1) ?? Date.now() / 1000;
  const from = Math.max(to - SPAN_S, Math.min(known.times[0] ?? to, to - LEAST_SPAN_S));
  return html`
    <${Card} title=${t("Last two hours")} live id="curve">
      <${Later} of="chart" load=${() => import("../kit/chart.js")} times=${known.times} from=${from} to=${to} caption=${t("Power and offered current of the last two hours")}
        series=${[
          { label: t("Power"), unit: "kW", values: known.power, tone: "go", fill: true, digits: 2 },
          { label: t("Offered"), unit: "A", values: known.offered, tone: "idle", dashed: true },
        ]} />
    <//>`;
}

// --- session ---

// The station knows the session that goes on; what was before stands in the history.
function useLastSession(there) {
  const [last, setLast] = useState(null);
  useEffect(() => {
    if (!there && has("/sessions")) quietly(get("sessions?limit=1").then(({ sessions }) => setLast(sessions[0] ?? null)));
  }, [there, finished.value, boot.value, has("/sessions")]);
  return last;
}

const WS_PER_KWH = 3600000; // the history is always in Ws

const figuresOf = (now) => [
  [t("Energy"), kilowattHours(now.consumption), "kWh", "session-energy"],
  [t("Power"), kilowatts(now.power), "kW", "power"],
  [t("Charging for"), duration(now.chargingTime), "", "charging-time"],
  [t("Connected for"), duration(now.sessionTime), "", "session-time"],
];

const figuresOfLast = (last) => [
  [t("Energy"), last ? number(last.energy / WS_PER_KWH, 2) : "–", last && "kWh", "session-energy"],
  [t("Highest power"), last ? kilowatts(last.peakPower) : "–", last && "kW", "power"],
  [t("Time charging"), last ? duration(last.chargingTime) : "–", "", "charging-time"],
  [t("Time connected"), last ? duration(last.duration) : "–", "", "session-time"],
];

export function SessionCard({ now }) {
  const there = now.sessionTime > 0 || /^[BCD]/.test(now.state);
  const last = useLastSession(there);
  return html`
    <${Card} title=${there ? t("This session") : t("Last session")} live id="session">
      <dl class="figures">
        ${(there ? figuresOf(now) : figuresOfLast(last)).map(([name, value, unit, id]) => html`
          <div><dt>${name}</dt><dd><b id=${id}>${value}</b>${unit && ` ${unit}`}</dd></div>`)}
      </dl>
      ${!there && last && html`<p class="hint" id="last-session"><a href="#/history/${last.id}">${moment(last.start)}</a></p>`}
    <//>`;
}

const LIMITS = [
  { key: "consumptionLimit", path: "consumption-limit", label: N("Energy"), unit: "kWh", per: perKilowattHour, step: 0.1 },
  { key: "chargingTimeLimit", path: "charging-time-limit", label: N("Charging time"), unit: "min", per: 60, step: 5 },
  { key: "underPowerLimit", path: "under-power-limit", label: N("Stop below"), unit: "kW", per: 1000, step: 0.01 },
];

export function LimitsCard({ now }) {
  const { act, note: said } = useFeedback();
  const set = LIMITS.filter(({ key }) => now[key] > 0).length;
  return html`
    <details class="card fold" id="limits" open=${now.limitReached || undefined}>
      <summary><h2>${t("Session limits")}</h2><span class="hint">${set ? t("{count} set", { count: set }) : t("none")}</span><${Icon} name="next" class="fold-mark" /></summary>
      <p class="hint">${t("Charging pauses when one of them is reached. Empty or 0 is no limit.")}</p>
      <div class="fields">
        ${LIMITS.map((limit) => html`<${Limit} key=${limit.key} ...${limit} value=${now[limit.key]} act=${act} />`)}
      </div>
      ${said}
      <${Reached} now=${now} />
    </details>`;
}

function Limit({ label, unit, path, per: given, step, value, act }) {
  const per = given.value ?? given;
  const [draft, setDraft] = useState(undefined);
  const done = async (wanted) => {
    const text = wanted ? t("{name}: limit set", { name: t(label) }) : t("{name}: no limit", { name: t(label) });
    await act(() => post(`state/${path}`, Math.round((wanted ?? 0) * per)), text);
    state.value = await get("state").catch(() => state.value);
    setDraft(undefined);
  };
  const shown = value ? Math.round((value / per) * 1000) / 1000 : "";
  return html`<${Field} kind="number" label=${t(label)} unit=${unit} min="0" step=${step} placeholder=${t("none")}
    value=${draft === undefined ? shown : draft} onInput=${setDraft} onDone=${done} />`;
}

// When a limit will stop it, should it go on as it does now.
function Reached({ now }) {
  if (detail.value?.reason !== "charging") return null;
  const waits = [
    now.consumptionLimit > now.consumption && now.power > 0 && ((now.consumptionLimit - now.consumption) / now.power) * (3600000 / perKilowattHour.value),
    now.chargingTimeLimit > now.chargingTime && now.chargingTimeLimit - now.chargingTime,
  ].filter(Boolean);
  if (!waits.length) return null;
  const first = Math.min(...waits);
  return html`<p class="hint" id="reached-at">${t("Reached at about {time}, in {wait}.", { time: timeOfDay(Date.now() / 1000 + first), wait: duration(first) })}</p>`;
}

// --- who else limits the current ---

const OWNERS = {
  user: N("set here"), settings: N("highest current"), board: N("the board"), cable: N("the cable"), thermal: N("temperature"),
  modbus: N("Modbus watchdog"), supervision: N("supervision"), ocpp: N("management system"), script: N("a script"),
  mqtt: "MQTT",
};

// Shown when somebody beside this page holds the charger back.
export function HoldersCard() {
  const [found, setFound] = useState(null);
  const { act, note: said } = useFeedback();
  const look = () => quietly(get("limits").then(setFound));
  const holder = detail.value?.limitedBy;
  const others = (found?.limits ?? []).filter(({ owner }) => !["user", "settings", "board"].includes(owner));
  useEffect(() => {
    if (!has("/limits")) return undefined;
    look();
    const timer = setInterval(() => document.hidden || look(), LIMITS_MS);
    return () => clearInterval(timer);
  }, [holder, has("/limits")]);
  if (!others.length) return null;
  const end = (owner) => act(() => ask(`limits/${encodeURIComponent(owner)}`, { method: "DELETE" }).then(look), t("Ended"));
  return html`
    <${Card} title=${t("Who limits the current")} note=${said} live id="holders">
      <ul class="plain-list">
        ${found.limits.filter(({ inForce }) => inForce !== null).map(({ owner, inForce, left, lapsed }) => html`
          <li key=${owner}>
            <span><b>${OWNERS[owner] ? t(OWNERS[owner]) : owner}</b>
              ${lapsed && html` <span class="hint">${t("silent")}</span>`}
              ${left !== null && html` <span class="hint">${t("for {wait} more", { wait: duration(left) })}</span>`}</span>
            <span>${inForce === 0 ? t("pause") : `${amperes(inForce)} A`}
              ${!OWNERS[owner] && html`<${Button} kind="plain" icon="close" label=${t("End the limit of {owner}", { owner })} onClick=${() => end(owner)} />`}</span>
          </li>`)}
      </ul>
    <//>`;
}

// --- phases and station ---

export function PhasesCard({ now }) {
  const shown = board.value?.energyMeter === "none" ? [] : now.voltage.map((volts, phase) => [phase + 1, volts, now.current[phase]]);
  if (!shown.length) return null;
  return html`
    <${Card} title=${t("Phases")} live>
      <table class="phases" id="phases">
        <thead><tr><th scope="col">${t("Phase")}</th><th scope="col">${t("Voltage")}</th><th scope="col">${t("Current")}</th></tr></thead>
        <tbody>
          ${shown.map(([phase, volts, current]) => html`
            <tr data-dead=${volts === 0 || undefined}><th scope="row">L${phase}</th><td>${number(volts, 1)} V</td><td>${number(current, 2)} A</td></tr>`)}
        </tbody>
      </table>
    <//>`;
}

const PILOTS = { high: N("steady +12 V"), low: N("steady −12 V"), pwm: N("1 kHz") };

function pilotInWords(more) {
  const words = t(PILOTS[more.pilot] ?? more.pilot);
  if (more.pilot !== "pwm") return words;
  return `${words}, ${number(more.dutyPpm / 10000, 1)} % = ${amperes(more.offeredCurrent)} A`;
}

export function StationCard({ now }) {
  const { act, note: said } = useFeedback();
  const more = detail.value;
  const yesNo = (value, yes, no) => value === null ? null : value ? yes : no;
  const rows = [
    [t("Total energy"), `${kilowattHours(now.totalConsumption)} kWh`],
    [t("State"), html`<span class="chip" id="state-letter">${now.state}</span>`],
    ...(more ? [
      [t("Control pilot"), pilotInWords(more)],
      [t("Contactor"), yesNo(more.contactorClosed, t("closed"), t("open"))],
      [t("Plug lock"), yesNo(more.locked, t("locked"), t("released"))],
      [t("Cable"), more.locked !== null && more.cableRating ? `${more.cableRating} A` : null],
      [t("Temperature"), more.temperatureSensors > 0 ? `${number(more.temperatureHigh, 1)} °C` : null],
    ] : []),
    [t("Version"), info.value?.appVersion ?? "–"],
  ];
  return html`
    <${Card} title=${t("Station")} live class="station">
      <${Rows} rows=${rows} />
      ${now.available && html`
        <${Button} kind="quiet" onClick=${() => act(async () => { await post("state/available", false); state.value = await get("state"); })}>${t("Take out of service")}<//>`}
      ${said}
    <//>`;
}
