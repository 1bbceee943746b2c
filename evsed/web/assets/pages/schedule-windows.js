// Pieces of days to the minute, for a schedule that whole hours do not fit.

import { html } from "../vendor/preact.js";
import { Button, Field, Switch } from "../kit/ui.js";
import { N, language, t } from "../kit/words.js";
import { DAYS } from "./schedule-week.js";

const GROUPS = [
  [N("every day"), DAYS], [N("Monday to Friday"), DAYS.slice(0, 5)], [N("Saturday and Sunday"), DAYS.slice(5)],
];
const USUAL = { days: DAYS, start: "22:00", end: "06:00" };

const nameOf = (day) => new Intl.DateTimeFormat(language.value, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + DAYS.indexOf(day)));

// Choices of days; what somebody else has written is kept as one of them.
function daysFor(days) {
  const key = days.join();
  const known = [...GROUPS.map(([text, group]) => [group.join(), t(text)]), ...DAYS.map((day) => [day, nameOf(day)])];
  return known.some(([one]) => one === key) ? known : [...known, [key, days.map(nameOf).join(", ")]];
}

export const inWindows = (schedule) => (schedule.windows ?? []).length > 0;

export function ToTheMinute({ schedule, change }) {
  return html`<${Switch} label=${t("To the minute")} hint=${t("Times of day instead of whole hours.")} checked=${inWindows(schedule)}
    onChange=${(on) => change({ ...schedule, windows: on ? [USUAL] : [] })} />`;
}

export function Windows({ schedule, change }) {
  const windows = schedule.windows;
  const set = (place, more) => change({ ...schedule, windows: windows.map((one, other) => (other === place ? { ...one, ...more } : one)) });
  return html`
    <ul class="windows">
      ${windows.map(({ days, start, end }, place) => html`
        <li key=${place}>
          <${Field} kind="select" label=${t("Days")} options=${daysFor(days)} value=${days.join()} onInput=${(key) => set(place, { days: key.split(",") })} />
          <${Field} kind="time" label=${t("From")} value=${start} onDone=${(time) => time && set(place, { start: time })} />
          <${Field} kind="time" label=${t("To")} value=${end === "24:00" ? "00:00" : end} onDone=${(time) => time && set(place, { end: time })} />
          ${windows.length > 1 && html`<${Button} kind="plain" icon="close" label=${t("Remove times {number}", { number: place + 1 })}
            onClick=${() => change({ ...schedule, windows: windows.filter((_, other) => other !== place) })} />`}
        </li>`)}
    </ul>
    <${Button} kind="small" icon="plus" onClick=${() => change({ ...schedule, windows: [...windows, USUAL] })}>${t("Add times")}<//>`;
}
