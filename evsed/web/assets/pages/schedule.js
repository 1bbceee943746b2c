// Schedule: what is done in which hours of the week, and the clock it follows.

import { html, useEffect, useState } from "../vendor/preact.js";
import { config, get, has, post, quietly } from "../kit/data.js";
import { FormCard, sending, useShape, writeConfig } from "../kit/forms.js";
import { Button, Card, Empty, Field, confirmed, useDraft, useFeedback } from "../kit/ui.js";
import { N, language, t } from "../kit/words.js";
import { WeekGrid } from "./schedule-grid.js";
import { ToTheMinute, Windows, inWindows } from "./schedule-windows.js";
import { ALL_DAY, DAYS, actionOf, conflicts, nextEvent, wallClock, withHours } from "./schedule-week.js";

export const ACTIONS = {
  enable: N("Charging on, else off"), available: N("In service, else out of service"),
  ch_cur_6a: N("Current 6 A, else the usual"), ch_cur_8a: N("Current 8 A, else the usual"), ch_cur_10a: N("Current 10 A, else the usual"),
};

export default function Schedule() {
  const scheduler = config.value.scheduler;
  const [clock, setClock] = useState(null); // {at, offset}: Unix seconds of the station, and how far it is from ours
  const look = () => quietly(get("time").then((at) => setClock({ offset: at - Date.now() / 1000 })));
  useEffect(() => {
    look();
    const timer = setInterval(look, 30000);
    return () => clearInterval(timer);
  }, []);
  if (!scheduler) return html`<h1>${t("Schedule")}</h1>`;
  return html`
    <h1>${t("Schedule")}</h1>
    <${Week} scheduler=${scheduler} offset=${clock?.offset ?? 0} />
    <div class="pair">
      <${Clock} offset=${clock?.offset} zone=${scheduler.timezone} look=${look} />
      <${Zone} scheduler=${scheduler} />
    </div>`;
}

// --- the week ---

function Week({ scheduler, offset }) {
  const draft = useDraft({ schedules: scheduler.schedules }, (patch) => writeConfig("scheduler", patch));
  const schedules = draft.value("schedules");
  const set = (next) => draft.set("schedules", JSON.stringify(next) === JSON.stringify(scheduler.schedules) ? scheduler.schedules : next);
  const change = (place, next) => set(schedules.map((one, other) => (other === place ? next : one)));
  const add = () => set([...schedules, { action: "enable", ...Object.fromEntries(DAYS.map((day) => [day, 0])) }]);
  const remove = async (place) => {
    const filled = DAYS.some((day) => schedules[place][day]);
    const sure = !filled || (await confirmed({ title: t("Remove this schedule?"), text: t("It is gone once you save."), yes: t("Remove") }));
    if (sure) set(schedules.filter((_, other) => other !== place));
  };
  return html`
    <form ref=${draft.form} onSubmit=${draft.save} novalidate>
      ${schedules.length === 0 && html`
        <${Card} title=${t("Charging by the clock")}>
          <${Empty}>
            <span>${t("No schedule yet: charging is possible at any time. A schedule switches charging on in the hours you mark, for instance when energy is cheap.")}</span>
            <${Button} icon="plus" onClick=${add}>${t("Add a schedule")}<//>
          <//>
        <//>`}
      ${schedules.map((one, place) => html`
        <${One} key=${place} number=${place + 1} schedule=${one} change=${(next) => change(place, next)} remove=${() => remove(place)} />`)}
      ${schedules.length > 0 && html`
        <${Card} title=${t("What comes next")}>
          ${has("/scheduler") && !draft.dirty
            ? html`<${Told} schedules=${schedules} />`
            : html`<${Next} schedules=${schedules} zone=${scheduler.timezone} offset=${offset} />`}
          ${conflicts(schedules).map(([first, second]) => html`
            <p class="warning">${t("Schedules {first} and {second} drive the same thing in the same hours; the later one wins.", { first: first + 1, second: second + 1 })}</p>`)}
          ${draft.error("schedules") && html`<p class="field-error" role="alert">${draft.error("schedules")}</p>`}
          <${Button} kind="quiet" icon="plus" onClick=${add}>${t("Add a schedule")}<//>
        <//>`}
      ${(schedules.length > 0 || draft.dirty) && html`<div class="save-bar" data-dirty=${draft.dirty || undefined}>${draft.foot}</div>`}
    </form>`;
}

function One({ number, schedule, change, remove }) {
  return html`
    <${Card} title=${t("Schedule {number}", { number })} class="schedule"
      note=${html`<${Button} kind="plain" icon="close" label=${t("Remove schedule {number}", { number })} onClick=${remove} />`}>
      <div class="fields">
        <${Field} kind="select" label=${t("In the marked hours")} options=${Object.entries(ACTIONS).map(([value, text]) => [value, t(text)])}
          value=${schedule.action} onInput=${(action) => change({ ...schedule, action })} />
      </div>
      ${has("/scheduler") && html`<${ToTheMinute} schedule=${schedule} change=${change} />`}
      ${inWindows(schedule)
        ? html`<${Windows} schedule=${schedule} change=${change} />`
        : html`
          <${WeekGrid} schedule=${schedule} change=${change} label=${t("Hours of schedule {number}", { number })} />
          <${Fill} schedule=${schedule} change=${change} />`}
    <//>`;
}

const SPANS = {
  all: [N("every day"), DAYS], work: [N("Monday to Friday"), DAYS.slice(0, 5)], weekend: [N("Saturday and Sunday"), DAYS.slice(5)],
};
const HOURS = Array.from({ length: 25 }, (_, hour) => [hour, `${String(hour).padStart(2, "0")}:00`]);

// From, to and days in words, for those who do not like to paint; and some usual ones.
function Fill({ schedule, change }) {
  const [span, setSpan] = useState("all");
  const [from, setFrom] = useState(22);
  const [to, setTo] = useState(6);
  const fill = (on, days = SPANS[span][1], start = from, end = to) => change(withHours(schedule, days, start, end, on));
  const copy = () => change({ ...schedule, ...Object.fromEntries(DAYS.map((day) => [day, schedule.mon])) });
  const clear = Object.fromEntries(DAYS.map((day) => [day, 0]));
  return html`
    <div class="fill">
      <${Field} kind="select" label=${t("Days")} value=${span} onInput=${setSpan} options=${Object.entries(SPANS).map(([key, [text]]) => [key, t(text)])} />
      <${Field} kind="select" label=${t("From")} value=${from} onInput=${(hour) => setFrom(Number(hour))} options=${HOURS.slice(0, 24)} />
      <${Field} kind="select" label=${t("To")} value=${to} onInput=${(hour) => setTo(Number(hour))} options=${HOURS.slice(1)} />
      <div class="fill-buttons">
        <${Button} kind="small" onClick=${() => fill(true)}>${t("Mark")}<//>
        <${Button} kind="small" onClick=${() => fill(false)}>${t("Unmark")}<//>
      </div>
    </div>
    <div class="fill-buttons" role="group" aria-label=${t("Usual hours")}>
      <${Button} kind="small" onClick=${() => change({ ...schedule, ...clear, ...withHours({ ...schedule, ...clear }, DAYS, 22, 6, true) })}>${t("Night, 22 to 6")}<//>
      <${Button} kind="small" onClick=${() => change(withHours({ ...schedule, ...clear }, DAYS.slice(0, 5), 8, 17, true))}>${t("Workdays, 8 to 17")}<//>
      <${Button} kind="small" onClick=${() => change({ ...schedule, ...clear, sat: ALL_DAY, sun: ALL_DAY })}>${t("Weekend")}<//>
      <${Button} kind="small" onClick=${copy}>${t("Monday for every day")}<//>
      <${Button} kind="small" onClick=${() => change({ ...schedule, ...clear })}>${t("Clear")}<//>
    </div>`;
}

// What the station says comes next.
function Told({ schedules }) {
  const [standing, setStanding] = useState(null);
  useEffect(() => {
    const look = () => quietly(get("scheduler").then(setStanding));
    look();
    const timer = setInterval(look, 30000);
    return () => clearInterval(timer);
  }, [schedules]);
  if (!standing) return null;
  if (standing.waiting) return html`<p class="hint">${t("The clock is not set yet; until then nothing is done.")}</p>`;
  if (!standing.next) return html`<p class="hint">${t("Nothing changes within a week.")}</p>`;
  const { action, on, local } = standing.next;
  const day = new Intl.DateTimeFormat(language.value, { weekday: "long", timeZone: "UTC" }).format(Date.parse(`${local.slice(0, 19)}Z`));
  return html`<p id="next-event"><b>${day}, ${local.slice(11, 16)}</b>: ${t(actionOf(action, on))}</p>`;
}

function Next({ schedules, zone, offset }) {
  const found = nextEvent(schedules, Date.now() / 1000 + offset, zone);
  if (found === null) return html`<p class="hint">${t("The next change is not known here: the time zone is a rule, not a name.")}</p>`;
  if (!found) return html`<p class="hint">${t("Nothing changes within a week.")}</p>`;
  const day = new Intl.DateTimeFormat(language.value, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + found.day));
  return html`
    <p id="next-event"><b>${day}, ${String(found.hour).padStart(2, "0")}:00</b>: ${found.changes.map(({ schedule, on }) => t(actionOf(schedule.action, on))).join("; ")}</p>`;
}

// --- clock and zone ---

function Clock({ offset, zone, look }) {
  const [, tick] = useState(0);
  const { act, note } = useFeedback();
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const now = offset === undefined ? null : Date.now() / 1000 + offset;
  const shown = now === null ? "–" : wallClock(now, zone, language.value);
  return html`
    <${Card} title=${t("Clock of the station")} note=${note}>
      <p class="clock" data-live>${shown}</p>
      <p class="hint">${Math.abs(offset ?? 0) > 5 && t("It differs from this device by {seconds} s.", { seconds: Math.round(Math.abs(offset)) })}</p>
      <${Button} kind="quiet" onClick=${() => act(() => post("time", Date.now() / 1000).then(look), t("Set"))}>${t("Set to the time of this device")}<//>
    <//>`;
}

const zones = () => Intl.supportedValuesOf?.("timeZone") ?? [];

function Zone({ scheduler }) {
  return html`
    <${FormCard} title=${t("Time zone and time server")} there=${scheduler} shape=${useShape("scheduler")} send=${sending("scheduler")} fields=${[
      { key: "timezone", kind: "text", label: t("Time zone"), list: "zones", hint: t("A name such as Europe/Prague, or a POSIX rule.") },
      { key: "ntpServer", kind: "text", label: t("Time server") },
      { key: "ntpEnabled", kind: "switch", label: t("Set the clock from the network (NTP)") },
      { key: "ntpFromDhcp", kind: "switch", label: t("Take the time server from the network (DHCP)") },
    ]}>
      <datalist id="zones">${zones().map((name) => html`<option value=${name} />`)}</datalist>
    <//>`;
}
