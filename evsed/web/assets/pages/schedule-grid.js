// A week as a grid of hours: painted with the pointer, or with arrow keys, space and shift.

import { html, useRef, useState } from "../vendor/preact.js";
import { offline } from "../kit/data.js";
import { language, t } from "../kit/words.js";
import { DAYS, marked, withHour } from "./schedule-week.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const wide = matchMedia("(min-width: 760px)");
const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;

const dayName = (day, weekday) =>
  new Intl.DateTimeFormat(language.value, { weekday, timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + day));

// On a narrow screen days stand side by side and hours run downwards.
export function WeekGrid({ schedule, change, label }) {
  const [at, setAt] = useState({ day: 0, hour: 0 });
  const [painting, setPainting] = useState(null); // marking or unmarking, while the pointer is down
  const grid = useRef(null);
  const newest = useRef(schedule);
  newest.current = schedule;

  const paint = (day, hour, on) => {
    newest.current = withHour(newest.current, day, hour, on);
    change(newest.current);
  };
  const cellAt = (event) => {
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-hour]");
    return cell && grid.current.contains(cell) ? [Number(cell.dataset.day), Number(cell.dataset.hour)] : null;
  };
  const down = (event) => {
    const cell = cellAt(event);
    if (!cell || event.button !== 0 || offline.value) return;
    const on = !marked(schedule, ...cell);
    setAt({ day: cell[0], hour: cell[1] });
    // A finger that moves scrolls; it marks by tapping, or with the fields below.
    if (event.pointerType === "mouse" || event.pointerType === "pen") {
      event.preventDefault();
      grid.current.setPointerCapture(event.pointerId);
      setPainting(on);
      paint(...cell, on);
      focus(...cell);
    }
  };
  const move = (event) => {
    const cell = painting !== null && cellAt(event);
    if (cell && marked(newest.current, ...cell) !== painting) paint(...cell, painting);
  };
  const tap = (event) => {
    const cell = event.pointerType === "touch" && cellAt(event);
    if (cell && !offline.value) paint(...cell, !marked(schedule, ...cell));
  };
  const focus = (day, hour) => grid.current.querySelector(`[data-day="${day}"][data-hour="${hour}"]`)?.focus();
  const key = (event) => {
    const steps = wide.matches
      ? { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }
      : { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const far = { Home: [0, -23], End: [0, 23], PageUp: [-6, 0], PageDown: [6, 0] };
    const step = steps[event.key] ?? far[event.key];
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!offline.value) paint(at.day, at.hour, !marked(schedule, at.day, at.hour));
    } else if (step) {
      event.preventDefault();
      const next = { day: clamp(at.day + step[0], 6), hour: clamp(at.hour + step[1], 23) };
      if (event.shiftKey && !offline.value) paint(next.day, next.hour, marked(newest.current, at.day, at.hour));
      setAt(next);
      focus(next.day, next.hour);
    }
  };
  return html`
    <p class="hint grid-hint">${t("Click or paint hours; with the keyboard: arrows, space, and shift with arrows to go on as before.")}</p>
    <div class="week" role="grid" aria-label=${label} aria-multiselectable="true" ref=${grid}
         onPointerDown=${down} onPointerMove=${move} onPointerUp=${() => setPainting(null)} onPointerCancel=${() => setPainting(null)}
         onClick=${tap} onKeyDown=${key}>
      <div class="week-row" role="row">
        <span class="week-corner" role="columnheader"><span class="unseen">${t("Day")}</span></span>
        ${HOURS.map((hour) => html`<span class="week-hour" role="columnheader" data-minor=${hour % 3 ? true : undefined}>${hour}</span>`)}
      </div>
      ${DAYS.map((name, day) => html`
        <div class="week-row" role="row" key=${name}>
          <span class="week-day" role="rowheader" aria-label=${dayName(day, "long")}>${dayName(day, "short")}</span>
          ${HOURS.map((hour) => html`
            <span class="week-cell" role="gridcell" data-day=${day} data-hour=${hour} tabindex=${at.day === day && at.hour === hour ? 0 : -1}
                  aria-selected=${String(marked(schedule, day, hour))}
                  aria-label="${dayName(day, "long")} ${clock(hour)}–${clock(hour + 1)}" onFocus=${() => setAt({ day, hour })}></span>`)}
        </div>`)}
    </div>`;
}

const clamp = (value, most) => Math.min(most, Math.max(0, value));
