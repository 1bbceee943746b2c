// Commissioning: what an installer checks, in order, with what the station measures beside it.

import { html, useState } from "../vendor/preact.js";
import { ask, board, config, detail, has, post, state } from "../kit/data.js";
import { FormCard, choices, sending, useShape } from "../kit/forms.js";
import { Button, Field, Icon, Rows, useFeedback } from "../kit/ui.js";
import { N, amperes, number, remember, t } from "../kit/words.js";
import { nameOf } from "./reasons.js";
import { Password } from "./settings-security.js";

const STEPS = [
  { key: "board", title: N("What is fitted"), show: Fitted },
  { key: "current", title: N("Highest current"), show: Current },
  { key: "pilot", title: N("Control pilot"), show: Pilot },
  { key: "meter", title: N("Meter"), show: Meter },
  { key: "lock", title: N("Plug lock"), show: Lock, when: (able) => able.socketLock },
  { key: "rcm", title: N("Residual current monitor"), show: Rcm, when: (able) => able.rcm },
  { key: "password", title: N("Password"), show: Password },
];
const KEY = "commissioned";

function remembered() {
  try {
    return new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
  } catch {
    return new Set();
  }
}

export default function Commissioning() {
  const able = board.value;
  const [done, setDone] = useState(remembered);
  if (!able || !config.value.evse) return html`<h1>${t("Commissioning")}</h1>`;
  const steps = STEPS.filter(({ when }) => !when || when(able));
  const tick = (key, yes) => {
    const next = new Set(done);
    if (yes) next.add(key);
    else next.delete(key);
    remember(KEY, JSON.stringify([...next]));
    setDone(next);
  };
  const count = steps.filter(({ key }) => done.has(key)).length;
  return html`
    <h1>${t("Commissioning")}</h1>
    <p class="lead">${t("Work on mains voltage is for people who are permitted to do it. Go through the steps in this order; the ticks are kept in this browser.")}</p>
    <p class="progress" role="status">${t("{count} of {all} steps done", { count, all: steps.length })}</p>
    <ol class="steps">
      ${steps.map(({ key, title, show: Show }, place) => html`
        <li key=${key} class="step" data-done=${done.has(key)}>
          <div class="step-head">
            <span class="step-number" aria-hidden="true">${done.has(key) ? html`<${Icon} name="check" />` : place + 1}</span>
            <label class="radio"><input type="checkbox" checked=${done.has(key)} onChange=${(event) => tick(key, event.currentTarget.checked)} /><span>${t(title)}</span></label>
          </div>
          <${Show} />
        </li>`)}
    </ol>`;
}

const Live = ({ rows, text }) => html`
  <section class="card"><p class="hint intro">${text}</p><div data-live><${Rows} rows=${rows} /></div></section>`;

function Fitted() {
  const able = board.value;
  const yes = (there) => (there ? t("yes") : t("no"));
  const meters = { none: t("none"), cur: t("current"), cur_vlt: t("current and voltage") };
  return html`<${Live} text=${t("Compare with what you have built. What differs is a mistake in the board file.")} rows=${[
    [t("Board"), able.deviceName], [t("Plug lock"), yes(able.socketLock)], [t("Cable detection"), yes(able.proximity)],
    [t("Residual current monitor"), yes(able.rcm)], [t("Temperature sensor"), yes(able.temperatureSensor)],
    [t("Meter"), meters[able.energyMeter] ?? able.energyMeter], [t("Three phases"), yes(able.energyMeterThreePhases)],
    [t("Serial ports"), able.serials.map(({ name }) => name).join(", ") || t("none")], [t("Board file"), detail.value?.maintenance ?? t("in order")],
  ]} />`;
}

function Current() {
  return html`
    <${FormCard} title=${t("Highest current")} there=${config.value.evse} shape=${useShape("evse")} send=${sending("evse")}
      intro=${t("It must not exceed what cable, fuse and contactor of this installation are made for. Nothing else protects the wiring from a value that is too high.")}
      fields=${[{ key: "maxChargingCurrent", label: t("Highest current"), unit: "A", step: 1 }]} />`;
}

const PILOTS = { high: N("steady +12 V"), low: N("steady −12 V"), pwm: N("1 kHz") };

function Pilot() {
  const now = state.value;
  const more = detail.value;
  if (!now || !more) return null;
  return html`<${Live} text=${t("Without a car the state is A. With a tester or a car plugged in it becomes B, and C when energy is asked for. Never E or F.")} rows=${[
    [t("State"), html`<span class="chip">${now.state}</span>`], [t("Pilot"), t(PILOTS[more.pilot] ?? more.pilot)],
    [t("Duty"), `${number(more.dutyPpm / 10000, 1)} %`], [t("Offered"), `${amperes(more.offeredCurrent)} A`], [t("Contactor"), more.contactorClosed ? t("closed") : t("open")],
  ]} />`;
}

function Meter() {
  const now = state.value;
  if (!now) return null;
  const rows = now.voltage.map((volts, phase) => [`L${phase + 1}`, `${number(volts, 1)} V, ${number(now.current[phase], 2)} A`]);
  return html`
    <${Live} text=${t("Charge with a known load and compare with a clamp meter. Without energy flowing everything is 0.")} rows=${[...rows, [t("Power"), `${number(now.power)} W`]]} />
    ${has("/meter/calibration") && html`<${Calibration} />`}`;
}

const QUANTITIES = { voltage: N("Voltage"), current: N("Current") };

// Compares a channel with another meter for five seconds.
function Calibration() {
  const [point, setPoint] = useState({ quantity: "voltage", phase: 1, value: null });
  const [wrong, setWrong] = useState("");
  const { act, say, note } = useFeedback();
  const set = (more) => {
    setPoint({ ...point, ...more });
    setWrong("");
    say("");
  };
  const measure = async (event) => {
    event.preventDefault();
    say(t("Measuring for five seconds…"));
    try {
      const line = JSON.parse(await post("meter/calibration", point, 20000));
      say(t("Corrected: read {raw}, multiplied with {gain} from now on", { raw: number(line.raw, 0, 2), gain: number(line.gain, 0, 4) }), "done");
    } catch (error) {
      if (error.key === "value") setWrong(error.message);
      say(error.key === "value" ? t("Not saved") : t("Refused: {reason}", { reason: error.message }), "refused");
    }
  };
  const forget = () => act(() => ask("meter/calibration", { method: "DELETE" }, 20000), t("The scales of the board file are in force"));
  return html`
    <section class="card" aria-labelledby="calibration-title">
      <h3 id="calibration-title">${t("Calibration")}</h3>
      <p class="hint intro">${t("Type what another meter in the same line reads now. One point sets a gain; a second one with another load sets gain and offset.")}</p>
      <form onSubmit=${measure} novalidate>
        <div class="fields">
          <${Field} kind="select" label=${t("What")} options=${choices(QUANTITIES)} value=${point.quantity} onInput=${(quantity) => set({ quantity })} />
          <${Field} kind="select" label=${t("Phase")} options=${[1, 2, 3].map((phase) => [phase, `L${phase}`])} value=${point.phase} onInput=${(phase) => set({ phase: Number(phase) })} />
          <${Field} kind="number" label=${t("The other meter reads")} unit=${point.quantity === "voltage" ? "V" : "A"} step="any" value=${point.value} error=${wrong} onInput=${(value) => set({ value })} />
        </div>
        <div class="form-foot">
          <button type="submit" class="button">${t("Measure")}</button>
          <${Button} onClick=${forget}>${t("Forget")}<//>
          ${note}
        </div>
      </form>
    </section>`;
}

const errorsNow = (wanted) => (state.value?.errors ?? []).filter(wanted).map((name) => t(nameOf(name))).join(", ") || t("none");

function Lock() {
  const more = detail.value;
  const words = more?.locked === null ? t("not in use") : more?.locked ? t("locked") : t("released");
  return html`<${Live} text=${t("Plug in and unplug twice: the plug must be held while it is locked, and come out freely afterwards. Switch “Socket outlet” on under Settings, if this station has one.")} rows=${[
    [t("Lock"), words], [t("Cable"), more?.cableRating ? `${more.cableRating} A` : null],
    [t("Errors now"), errorsNow((name) => name.includes("lock"))],
  ]} />`;
}

function Rcm() {
  const inUse = config.value.evse.rcm;
  return html`<${Live} text=${t("Before each session the station tests the monitor. Start one and see that it begins; then press the test button of the residual current device in the supply.")} rows=${[
    [t("In use"), inUse ? t("yes") : t("no, see Settings")],
    [t("Errors now"), errorsNow((name) => name.startsWith("rcm"))],
  ]} />`;
}
