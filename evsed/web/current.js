// The charging current: buttons, number field and slider that agree with each other.
// A value is sent when the hand lets go, and what the station says is shown.

import { post } from "./api.js";
import { amperes } from "./format.js";

const STEP_A = 1;
const BUTTON_PAUSE_MS = 600;
const LOWEST_A = 6;

const byId = (id) => document.getElementById(id);
const slider = byId("current-slider");
const number = byId("current-number");
const feedback = byId("current-feedback");

let highest = 32;
let known = null; // what the station has
let touched = false; // the user is about to change it
let timer = 0;

const toTenths = (value) => Math.round(value * 10) / 10;
const inRange = (value) => Math.min(highest, Math.max(LOWEST_A, value));

function show(value) {
  const filled = (100 * (value - LOWEST_A)) / Math.max(1, highest - LOWEST_A);
  slider.value = value;
  slider.style.setProperty("--filled", `${Math.min(100, Math.max(0, filled))}%`);
  slider.setAttribute("aria-valuetext", `${amperes(value)} amperes`);
  number.value = String(value);
}

function say(text, kind = "") {
  feedback.textContent = text;
  feedback.dataset.kind = kind;
}

async function send(value) {
  clearTimeout(timer);
  say("Sending…");
  try {
    await post("state/charging-current", value);
    known = value;
    say(`Set to ${amperes(value)} A`, "done");
  } catch (error) {
    say(`Refused: ${error.message}`, "refused");
    show(known ?? LOWEST_A);
  } finally {
    touched = false;
  }
}

function onSlide() {
  touched = true;
  show(toTenths(Number(slider.value)));
  say("");
}

function step(by) {
  touched = true;
  const value = toTenths(inRange(Number(number.value || known || LOWEST_A) + by));
  show(value);
  clearTimeout(timer);
  timer = setTimeout(() => send(value), BUTTON_PAUSE_MS);
}

export function startCurrent() {
  slider.addEventListener("input", onSlide);
  slider.addEventListener("change", () => send(toTenths(Number(slider.value))));
  number.addEventListener("focus", () => (touched = true));
  number.addEventListener("blur", () => {
    if (number.value === "" || Number(number.value) === known) {
      touched = false;
      show(known ?? LOWEST_A);
    }
  });
  // What was typed is sent as it is: the station knows the range, and says it.
  number.addEventListener("change", () => number.value !== "" && send(Number(number.value)));
  byId("current-less").addEventListener("click", () => step(-STEP_A));
  byId("current-more").addEventListener("click", () => step(STEP_A));
}

export function showCurrent(value) {
  if (!touched && known !== value) {
    known = value;
    show(value);
  }
}

export function setHighest(value) {
  highest = value;
  slider.max = value;
  number.max = value;
  byId("current-high").textContent = `${amperes(value)} A`;
  if (known !== null && !touched) {
    show(known);
  }
}
