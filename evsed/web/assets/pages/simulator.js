// The panel "Simulated car": act as the car on a pretended board, and see what the circuit measures.

import { html, useEffect, useState } from "../vendor/preact.js";
import { config, get, post, quietly, readConfig } from "../kit/data.js";
import { Button, Card, Field, Rows, Switch, useFeedback } from "../kit/ui.js";
import { N, amperes, number, t } from "../kit/words.js";

const POLL_MS = 1000;
const WIDE = matchMedia("(min-width: 920px)");

const VEHICLE = [
  ["none", N("Unplug")], ["connected", N("Plug in")], ["charging", N("Ask for energy")],
  ["ventilation", N("Ask, with ventilation")], ["short", N("Short the pilot to earth")],
];
// label, key, value when on, value when off
const SWITCHES = [
  [N("Break the diode"), "diode", false, true],
  [N("Residual current"), "rcm", true, false],
  [N("Weld the contactor"), "weld", true, false],
  [N("Jam the plug lock"), "lockJam", true, false],
  [N("Temperature sensor fails"), "tempFault", true, false],
];
// settings of the station that some faults need before they can show
const SETUP = [
  [N("Residual current monitor in use"), "rcm"],
  [N("Socket outlet with lock"), "socketOutlet"],
  [N("Meter three phases"), "energyMeterThreePhases"],
  [N("Ask for authorization"), "requireAuth"],
];
const CABLES = [["13", "13 A"], ["20", "20 A"], ["32", "32 A"], ["63", "63 A"], ["0", N("open")], ["-1", N("shorted")]];

export default function Simulator({ disabled }) {
  const [now, setNow] = useState(null);
  const { act, note } = useFeedback();
  const refresh = () => quietly(get("simulator").then(setNow));
  useEffect(() => {
    refresh();
    const timer = setInterval(() => document.hidden || refresh(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  if (!now) return null;
  const change = async (changes, path = "simulator") => {
    await act(() => post(path, changes));
    if (path !== "simulator") await quietly(readConfig());
    await refresh();
  };
  const evse = config.value.evse ?? {};
  return html`
    <${Card} title=${t("Simulated car")} note=${html`<span class="tag">${t("no real hardware")}</span>`} class="simulator" id="simulator">
      <p class="hint">${t("Plug it in, let it ask for energy, and break things: the charger cannot tell.")}</p>
      <div class="choices" role="group" aria-label=${t("What the car does")}>
        ${VEHICLE.map(([value, label]) => html`
          <${Button} key=${value} data-vehicle=${value} aria-pressed=${String(now.vehicle === value)} onClick=${() => change({ vehicle: value })}>${t(label)}<//>`)}
      </div>
      <details class="simulator-more" open=${WIDE.matches}>
        <summary>${t("Surroundings, faults, what the circuit measures")}</summary>
        <div class="simulator-parts">
          <div>
            <h3>${t("Surroundings")}</h3>
            <${Surroundings} now=${now} change=${change} />
            <h3>${t("How the station is set up")}</h3>
            ${SETUP.map(([label, key]) => html`
              <${Switch} key=${key} label=${t(label)} checked=${evse[key] ?? false} onChange=${(checked) => change({ [key]: checked }, "config/evse")} />`)}
          </div>
          <div>
            <h3>${t("Break something")}</h3>
            ${SWITCHES.map(([label, key, on, off]) => html`
              <${Switch} key=${key} label=${t(label)} checked=${now[key] === on} disabled=${disabled} onChange=${(checked) => change({ [key]: checked ? on : off })} />`)}
          </div>
          <${ReadBack} now=${now} />
        </div>
      </details>
      ${note}
    <//>`;
}

function Surroundings({ now, change }) {
  const [draft, setDraft] = useState({});
  const numeric = (label, unit, key, low, high, step) => html`
    <${Field} kind="number" label=${label} unit=${unit} min=${low} max=${high} step=${step}
      value=${key in draft ? draft[key] : now[key]} onInput=${(value) => setDraft({ ...draft, [key]: value })}
      onDone=${(value) => { setDraft({}); if (value !== null) change({ [key]: value }); }} />`;
  return html`
    <div class="fields">
      ${numeric(t("Temperature"), "°C", "temperature", -40, 125, 1)}
      ${numeric(t("Car’s maximum"), "A", "maxCurrent", 0, 80, 0.5)}
      <${Field} kind="select" label=${t("Car’s phases")} options=${[["1", "1"], ["2", "2"], ["3", "3"]]} value=${now.phases} onInput=${(value) => change({ phases: Number(value) })} />
      <${Field} kind="select" label=${t("Cable")} options=${CABLES.map(([value, text]) => [value, t(text)])} value=${now.cable} onInput=${(value) => change({ cable: Number(value) })} />
    </div>`;
}

function ReadBack({ now }) {
  const list = (values, digits, unit) => `${values.map((value) => number(value, digits)).join(" · ")} ${unit}`;
  const rows = [
    [t("Car sees"), `${amperes(now.pilot.offeredCurrent)} A, ${number(now.pilot.dutyPpm / 10000, 1)} %`],
    [t("Pilot"), `${now.pilot.mode}, ${number(now.pilot.volts_high, 1)} V / ${number(now.pilot.volts_low, 1)} V`],
    [t("Contactor"), now.contactor.closed ? t("closed") : t("open")],
    [t("Mains"), list(now.voltage, 1, "V")],
    [t("Current"), list(now.current, 2, "A")],
    [t("Dead-man"), now.deadMan],
  ];
  return html`
    <div class="readback" data-live>
      <${Rows} rows=${rows} />
      <p class="hint">${t("GPIO, filled where high")}</p>
      <ul class="pins" aria-label=${t("GPIO levels")}>
        ${Object.entries(now.pins).map(([gpio, level]) => html`
          <li class="pin" data-level=${Number(level)} key=${gpio}>${gpio}<span class="unseen"> ${level ? t("high") : t("low")}</span></li>`)}
      </ul>
    </div>`;
}
