// One session: what it was, and the curve of what was offered and drawn.

import { html, useEffect, useState } from "../vendor/preact.js";
import { finished, get, urlOf } from "../kit/data.js";
import { Card, Empty, Later, Rows } from "../kit/ui.js";
import { duration, kilowatts, moment, t } from "../kit/words.js";
import { AUTHORIZED, END, energy, money, stopOf } from "./history-words.js";
import { nameOf } from "./reasons.js";

const MINUTE_S = 60;

export function SessionView({ id, prices }) {
  const [session, setSession] = useState(null);
  const [curve, setCurve] = useState(null);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    Promise.all([get(`sessions/${id}`), get(`sessions/${id}/samples`)]).then(
      ([found, samples]) => {
        setSession(found);
        setCurve(samples);
        setFailed("");
      },
      (error) => setFailed(error.message),
    );
  }, [id, finished.value]);
  return html`
    <p class="back"><a href="#/history">${t("All sessions")}</a></p>
    <h1>${session ? t("Session of {when}", { when: moment(session.start) }) : t("Session")}</h1>
    ${failed && html`<p class="warning" role="alert">${failed}</p>`}
    ${session && html`<${Facts} session=${session} prices=${prices} /><${Curve} session=${session} curve=${curve} />`}`;
}

function Facts({ session, prices }) {
  const priced = prices && (session.cost > 0 || prices.price > 0);
  const open = session.endReason === null;
  const stop = stopOf(session);
  return html`
    <${Card} title=${t("In numbers")} id="facts">
      ${!session.clockSet && html`<p class="warning">${t("The clock had not been set: begin and end may be wrong.")}</p>`}
      <${Rows} rows=${[
        [t("Energy"), `${energy(session.energy)} kWh`],
        [t("Cost"), priced && money(session.cost, prices.currency)],
        [t("Plugged in"), moment(session.start)],
        [t("Unplugged"), open ? t("Going on") : moment(session.start + session.duration)],
        [t("Time connected"), duration(session.duration)],
        [t("Time charging"), duration(session.chargingTime)],
        [t("Highest power"), `${kilowatts(session.peakPower)} kW`],
        [t("Charging stopped"), stop && t(stop)],
        [t("How it ended"), !open && t(END[session.endReason] ?? nameOf(session.endReason))],
        [t("Authorized"), t(AUTHORIZED[session.authorized] ?? session.authorized)],
        [t("Errors"), session.errors?.map((name) => t(nameOf(name))).join(", ")],
        [t("Meter before and after"), `${energy(session.meterStart)} … ${energy(session.meterEnd)} kWh`],
      ]} />
    <//>`;
}

// Minutes that are left out repeat what was offered, and nothing flows in them. The last one ends
// with the session.
export function pointsOf({ start, duration: whole }, { step, samples }) {
  const points = { times: [], offered: [], drawn: [], power: [] };
  const add = (minute, offered, drawn, power) => {
    points.times.push(start + minute * MINUTE_S);
    points.offered.push(offered);
    points.drawn.push(drawn);
    points.power.push(power);
  };
  samples.forEach((one, place) => {
    const before = samples[place - 1];
    if (before && one.minute > before.minute + step) {
      add(before.minute + step, before.offeredCurrent, 0, 0);
      add(one.minute - step / 2, before.offeredCurrent, 0, 0);
    }
    const seconds = Math.max(1, Math.min(step * MINUTE_S, whole - one.minute * MINUTE_S));
    add(one.minute, one.offeredCurrent, Math.max(...one.current), one.energy / seconds / 1000);
  });
  return points;
}

function Curve({ session, curve }) {
  if (!curve) return null;
  const points = pointsOf(session, curve);
  const title = t("Offered and drawn current");
  const download = urlOf(`sessions/${session.id}/samples`);
  if (points.times.length < 2) {
    return html`<${Card} title=${title}><${Empty}>${t("There is no curve: the session was too short, or it is kept no longer.")}<//><//>`;
  }
  return html`
    <${Card} title=${title} id="session-curve">
      <${Later} of="chart" load=${() => import("../kit/chart.js")} times=${points.times} from=${session.start} to=${Math.max(session.start + session.duration, points.times.at(-1))}
        caption=${t("Current offered and drawn, and power, over the session")} height=${240}
        series=${[
          { label: t("Drawn"), unit: "A", values: points.drawn, tone: "go", fill: true, digits: 1 },
          { label: t("Offered"), unit: "A", values: points.offered, tone: "idle", dashed: true },
          { label: t("Power"), unit: "kW", values: points.power, tone: "wait", digits: 2 },
        ]} />
      ${curve.step > 1 && html`<p class="hint">${t("One point is {minutes} minutes.", { minutes: curve.step })}</p>`}
      <p class="hint"><a href=${download} download="evsed-session-${session.id}.json">${t("Download this curve")}</a></p>
    <//>`;
}
