// Curves over time, drawn by uPlot, which is loaded when the first one is shown; and as a table.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { dayAndTime, language, number, t, theme, timeOfDay } from "./words.js";

const ROWS_OF_TABLE = 24;
const MINUTE_S = 60;
const DAY_S = 86400;
// Times are shown to the minute: marks closer than that would all say the same.
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 4320, 10080].map((minutes) => minutes * MINUTE_S);
const dark = matchMedia("(prefers-color-scheme: dark)");

let library = null;

function loadLibrary() {
  library ??= import("../vendor/uplot.js").then(({ default: uPlot }) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("../vendor/uplot.css", import.meta.url).href;
    document.head.append(style);
    return uPlot;
  });
  return library;
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// One curve: {label, unit, values, tone, digits, dashed, fill, scale}. tone: a color of style.css
// such as "go" or "idle"; values that are null are gaps; curves of another unit have a scale of
// their own at the right side.
function options(series, { width, height }) {
  const units = [...new Set(series.map((one) => one.unit))];
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width, height,
    padding: [12, units.length > 1 ? 0 : 12, 0, 0],
    cursor: { y: false, points: { size: 8 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: (_, low, high) => [low, high] },
      ...Object.fromEntries(units.map((unit) => [unit, { range: (_, low, high) => [Math.min(0, low ?? 0), nice(high)] }])),
    },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 30, incrs: STEPS_S, values: (_, ticks) => ticks.map((at) => timeOfDay(at)) },
      ...units.map((unit, place) => ({
        ...axis, scale: unit, side: place ? 1 : 3, size: 52, grid: place ? { show: false } : axis.grid,
        values: (_, ticks) => ticks.map((value) => `${number(value, 0, 1)} ${unit}`),
      })),
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label, scale: one.unit, stroke: color(one.tone), width: 2, points: { show: false },
        dash: one.dashed ? [5, 5] : undefined, fill: one.fill ? `${color(one.tone)}26` : undefined,
      })),
    ],
  };
}

// When something was; with its day where a curve goes on for longer than one.
const timeIn = (times) => (times.at(-1) - times[0] > DAY_S ? dayAndTime : timeOfDay);

const nice = (high) => (high > 0 ? high * 1.08 : 1);

// times: Unix seconds, rising. caption: what it shows, for those who cannot see it. from, to: what
// the axis spans. Shows the values below the pointer, or the newest.
export default function Chart({ times, series, caption, from, to, height = 200 }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
  const place = at !== null && at < times.length ? at : times.length - 1;
  const data = [times, ...series.map((one) => one.values)];
  const newest = useRef(null);
  newest.current = { data, min: from ?? times[0] ?? 0, max: to ?? times.at(-1) ?? 1 };
  const shape = JSON.stringify(series.map(({ label, unit, tone }) => [label, unit, tone]));

  useEffect(() => {
    let gone = false;
    let watching = null;
    const draw = (uPlot) => {
      if (gone || !box.current) return;
      plot.current?.destroy();
      const made = options(series, { width: box.current.clientWidth, height });
      made.hooks = { setCursor: [({ cursor }) => setAt(cursor.idx ?? null)] };
      plot.current = new uPlot(made, newest.current.data, box.current);
      show(plot.current, newest.current);
    };
    loadLibrary().then((uPlot) => {
      draw(uPlot);
      if (gone) return;
      const again = () => draw(uPlot);
      const resize = new ResizeObserver(() => {
        if (box.current) plot.current?.setSize({ width: box.current.clientWidth, height });
      });
      resize.observe(box.current);
      dark.addEventListener("change", again);
      watching = () => {
        resize.disconnect();
        dark.removeEventListener("change", again);
      };
    });
    return () => {
      gone = true;
      watching?.();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, theme.value, language.value, height]);

  useEffect(() => {
    if (plot.current) show(plot.current, newest.current);
  }, [times, from, to]);

  return html`
    <figure class="chart">
      <figcaption class="unseen">${caption}</figcaption>
      <ul class="legend">
        ${series.map((one) => html`
          <li data-tone=${one.tone} data-dashed=${one.dashed}>
            <span class="legend-line" aria-hidden="true"></span>${one.label} <b>${shown(one, place)}</b>
          </li>`)}
        <li class="legend-time">${times.length > 0 && timeIn(times)(times[place])}</li>
      </ul>
      <div class="plot" ref=${box} aria-hidden="true"></div>
      <details class="as-table">
        <summary>${t("Show as a table")}</summary>
        <${Table} times=${times} series=${series} caption=${caption} />
      </details>
    </figure>`;
}

function show(plot, { data, min, max }) {
  plot.batch(() => {
    plot.setData(data, false);
    plot.setScale("x", { min, max });
  });
}

function shown(one, place) {
  const value = one.values[place];
  return value === null || value === undefined ? "–" : `${number(value, one.digits ?? 1)} ${one.unit}`;
}

function Table({ times, series, caption }) {
  const step = Math.max(1, Math.ceil(times.length / ROWS_OF_TABLE));
  const places = times.map((_, place) => place).filter((place) => (times.length - 1 - place) % step === 0);
  return html`
    <div class="wide-table" tabindex="0" role="region" aria-label=${caption}>
      <table class="phases">
        <thead><tr><th scope="col">${t("Time")}</th>${series.map((one) => html`<th scope="col">${one.label}</th>`)}</tr></thead>
        <tbody>${places.map((place) => html`
          <tr><th scope="row">${timeIn(times)(times[place])}</th>${series.map((one) => html`<td>${shown(one, place)}</td>`)}</tr>`)}
        </tbody>
      </table>
    </div>`;
}
