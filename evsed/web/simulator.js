// The panel "Simulated car": act as the car on a pretended board, and see what the circuit measures.

import { get, post } from "./api.js";
import * as format from "./format.js";

const POLL_MS = 1000;

const VEHICLE = [
  ["none", "Unplug"],
  ["connected", "Plug in"],
  ["charging", "Ask for energy"],
  ["ventilation", "Ask, with ventilation"],
];

// label, key, value when on, value when off
const SWITCHES = [
  ["Break the diode", "diode", false, true],
  ["Residual current", "rcm", true, false],
  ["Weld the contactor", "weld", true, false],
  ["Jam the plug lock", "lockJam", true, false],
  ["Temperature sensor fails", "tempFault", true, false],
];

// settings of the station that some faults need before they can show
const SETUP = [
  ["Residual current monitor in use", "rcm"],
  ["Socket outlet with lock", "socketOutlet"],
  ["Meter three phases", "energyMeterThreePhases"],
  ["Ask for authorization", "requireAuth"],
];

const CABLES = [["13", "13 A"], ["20", "20 A"], ["32", "32 A"], ["63", "63 A"], ["0", "open"], ["-1", "shorted"]];

const panel = document.getElementById("simulator");
let shown = {};

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const feedback = make("p", { className: "feedback" });
feedback.setAttribute("role", "status");

async function change(changes, path = "simulator") {
  try {
    await post(path, changes);
    feedback.textContent = "";
  } catch (error) {
    feedback.textContent = `Refused: ${error.message}`;
    feedback.dataset.kind = "refused";
  }
  await refresh();
}

function vehicleButtons() {
  const box = make("div", { className: "choices" });
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "What the car does");
  for (const [value, label] of [...VEHICLE, ["short", "Short the pilot to earth"]]) {
    const button = make("button", { type: "button", className: "button", textContent: label });
    button.classList.toggle("wide", value === "short");
    button.dataset.vehicle = value;
    button.addEventListener("click", () => change({ vehicle: value }));
    box.append(button);
  }
  return box;
}

function switchRow([label, key, on, off]) {
  const input = make("input", { type: "checkbox" });
  input.setAttribute("role", "switch");
  input.dataset.key = key;
  input.dataset.on = String(on);
  input.addEventListener("change", () => change({ [key]: input.checked ? on : off }));
  return make("label", { className: "switch" }, label, input);
}

function setupRow([label, key]) {
  const input = make("input", { type: "checkbox" });
  input.setAttribute("role", "switch");
  input.dataset.setup = key;
  input.addEventListener("change", () => change({ [key]: input.checked }, "config/evse"));
  return make("label", { className: "switch setup" }, label, input);
}

function numberField(label, key, low, high, step) {
  const input = make("input", { type: "number", min: low, max: high, step, inputMode: "decimal" });
  input.dataset.key = key;
  input.addEventListener("change", () => input.value !== "" && change({ [key]: Number(input.value) }));
  return make("label", { className: "field" }, label, input);
}

function selectField(label, key, options) {
  const input = make("select");
  input.dataset.key = key;
  input.append(...options.map(([value, text]) => make("option", { value, textContent: text })));
  input.addEventListener("change", () => change({ [key]: Number(input.value) }));
  return make("label", { className: "field" }, label, input);
}

const ROWS = [
  ["Car sees", (now) => `${format.amperes(now.pilot.offeredCurrent)} A, ${format.percent(now.pilot.dutyPpm)} % duty`],
  ["Pilot", (now) => `${now.pilot.mode}, ${format.volts(now.pilot.volts_high)} V / ${format.volts(now.pilot.volts_low)} V`],
  ["Contactor", (now) => (now.contactor.closed ? "closed" : "open")],
  ["Mains", (now) => `${now.voltage.map(format.volts).join(" · ")} V`],
  ["Current", (now) => `${now.current.map(format.measuredAmperes).join(" · ")} A`],
  ["Dead-man", (now) => now.deadMan],
];

function readBack() {
  const list = make("dl", { className: "list" });
  for (const [label, read] of ROWS) {
    const value = make("dd");
    value.read = read;
    list.append(make("div", {}, make("dt", { textContent: label }), value));
  }
  const pins = make("ul", { className: "pins" });
  pins.setAttribute("aria-label", "GPIO levels");
  const caption = make("p", { className: "hint", textContent: "GPIO, filled where high" });
  return make("div", { className: "readback" }, list, caption, pins);
}

function build() {
  const title = make("h2", { id: "simulator-title", textContent: "Simulated car" });
  const tag = make("span", { className: "tag", textContent: "no real hardware" });
  const intro = make("p", {
    className: "hint", textContent: "Plug it in, let it ask for energy, and break things: the charger cannot tell.",
  });
  const fields = make(
    "div", { className: "fields" },
    numberField("Temperature, °C", "temperature", -40, 125, 1),
    numberField("Car’s maximum, A", "maxCurrent", 0, 80, 0.5),
    selectField("Car’s phases", "phases", [["1", "1"], ["2", "2"], ["3", "3"]]),
    selectField("Cable", "cable", CABLES),
  );
  const controls = make(
    "fieldset", { className: "bare" },
    make("legend", { className: "unseen", textContent: "Simulated car" }),
    make("h3", { textContent: "The car" }), vehicleButtons(),
    make("h3", { textContent: "Break something" }),
    make("div", { className: "switches" }, ...SWITCHES.map(switchRow)),
    make("h3", { textContent: "Surroundings" }), fields,
    make("h3", { textContent: "How the station is set up" }),
    make("div", { className: "switches" }, ...SETUP.map(setupRow)),
  );
  controls.dataset.needsStation = "";
  panel.replaceChildren(make("div", { className: "card-head" }, title, tag), intro, controls, feedback, readBack());
  panel.hidden = false;
  // the panel fills the second column of a wide screen
  for (const card of ["phases-card", "station-card"]) {
    document.getElementById("first-column").append(document.getElementById(card));
  }
}

function showControls(now) {
  for (const button of panel.querySelectorAll("[data-vehicle]")) {
    button.setAttribute("aria-pressed", String(button.dataset.vehicle === now.vehicle));
  }
  for (const input of panel.querySelectorAll("[data-key]")) {
    const value = now[input.dataset.key];
    if (value === undefined || input === document.activeElement && input.type === "number") {
      continue;
    }
    if (input.type === "checkbox") {
      input.checked = String(value) === input.dataset.on;
    } else if (shown[input.dataset.key] !== value) {
      input.value = String(value);
    }
  }
  shown = now;
}

function showReadBack(now) {
  for (const value of panel.querySelectorAll(".readback dd")) {
    value.textContent = value.read(now);
  }
  const pins = Object.entries(now.pins).map(([gpio, level]) => {
    const word = make("span", { className: "unseen", textContent: level ? " high" : " low" });
    const pin = make("li", { className: "pin" }, gpio, word);
    pin.dataset.level = String(Number(level));
    return pin;
  });
  panel.querySelector(".pins").replaceChildren(...pins);
}

async function refresh() {
  const now = await get("simulator").catch(() => null);
  if (now) {
    showControls(now);
    showReadBack(now);
  }
}

// Shows the station's settings on the switches; does nothing while there is no panel.
export function showSetup(evse) {
  for (const input of panel.querySelectorAll("[data-setup]")) {
    input.checked = evse[input.dataset.setup];
  }
}

// Called once, and only when the board is a simulated one.
export async function startSimulator() {
  const now = await get("simulator");
  build();
  showControls(now);
  showReadBack(now);
  setInterval(() => document.hidden || refresh(), POLL_MS);
}
