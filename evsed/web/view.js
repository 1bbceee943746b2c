// Puts the station's state on the page.

import * as format from "./format.js";
import { ERRORS, PILOT_WORDS, REASONS, reasonOf } from "./words.js";

const byId = (id) => document.getElementById(id);

function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) {
    element.textContent = text; // only changes: screen readers announce each of them
  }
}

function setSymbol(use, name) {
  use.setAttribute("href", `symbols.svg#${name}`);
}

function showRow(name, text) {
  byId(`${name}-row`).hidden = text === null;
  if (text !== null) {
    setText(name, text);
  }
}

// Where the current matters, and whose limits this page shows or sets anyway.
const HELD = [
  "charging", "starting", "vehicle_not_asking", "paused_by_limit", "controller_lost", "current_too_low",
];
const KNOWN = ["user", "settings", "board"];

function explained(reason, words, detail) {
  if (reason === "maintenance" && detail?.maintenance) {
    return detail.maintenance;
  }
  const holder = detail?.limitedBy;
  const held = holder && HELD.includes(reason) && !KNOWN.includes(holder);
  return held ? `${words.text} The current is limited by “${holder}”.` : words.text;
}

function showHero(state, detail) {
  const reason = reasonOf(state, detail);
  const words = REASONS[reason];
  const hero = byId("hero");
  hero.dataset.tone = words.tone;
  hero.dataset.reason = reason;
  setText("headline", words.title);
  setText("explanation", explained(reason, words, detail));
  setSymbol(byId("dial-icon").firstElementChild, words.icon);
  document.title = `${words.title} · ${byId("device-name").textContent}`;
  showDial(state, detail, reason === "charging");
}

function showDial(state, detail, charging) {
  const power = byId("dial-power");
  power.hidden = !charging;
  if (charging) {
    power.replaceChildren(format.shortKilowatts(state.power));
    const unit = document.createElement("span");
    unit.textContent = "kW";
    power.append(unit);
  }
  const most = Math.max(...state.current);
  const offered = detail?.offeredCurrent || 0;
  const share = charging && offered > 0 ? Math.min(100, (100 * most) / offered) : 0;
  const ring = byId("ring");
  ring.style.setProperty("--share", share.toFixed(1));
  ring.style.setProperty("--seen", share > 0 ? "1" : "0");
  setText("dial-note", charging ? `${format.amperes(most)} of ${format.amperes(offered)} A` : "");
}

function showActions(state) {
  const toggle = byId("toggle-charging");
  const means = state.enabled ? "pause" : "start";
  if (toggle.dataset.means !== means) {
    toggle.dataset.means = means;
    setText("toggle-text", state.enabled ? "Pause charging" : "Start charging");
    setSymbol(byId("toggle-glyph"), state.enabled ? "pause" : "play");
  }
  toggle.hidden = !state.available;
  byId("authorize").hidden = !state.pendingAuth;
  byId("into-service").hidden = state.available;
  byId("out-of-service").hidden = !state.available;
}

function errorCard(name) {
  const words = ERRORS[name] || {
    title: name.replaceAll("_", " "), cause: "Unknown to this page.", act: "See the log.", clears: "–",
  };
  const card = document.createElement("article");
  card.className = "error";
  card.dataset.error = name;
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  setSymbol(icon.firstChild, "warn");
  const title = document.createElement("h3");
  title.textContent = words.title;
  const list = document.createElement("dl");
  list.append(
    pair("Cause: ", words.cause), pair("What to do: ", words.act), pair("Clears: ", words.clears),
  );
  card.append(icon, title, list);
  return card;
}

function pair(term, text) {
  const row = document.createElement("div");
  row.append(document.createElement("dt"), document.createElement("dd"));
  row.firstChild.textContent = term;
  row.lastChild.textContent = text;
  return row;
}

function showErrors(errors) {
  const box = byId("errors");
  const names = (errors || []).join(" ");
  if (box.dataset.names !== names) {
    box.dataset.names = names;
    box.replaceChildren(...(errors || []).map(errorCard));
  }
}

function showSession(state) {
  const inSession = state.sessionTime > 0;
  setText("session-energy", format.kilowattHours(state.consumption));
  setText("power", format.kilowatts(state.power));
  setText("charging-time", inSession ? format.duration(state.chargingTime) : "–");
  setText("session-time", inSession ? format.duration(state.sessionTime) : "–");
}

function showPhases(state) {
  const rows = byId("phases").rows;
  for (let phase = 0; phase < 3; phase += 1) {
    const [volts, amps] = [state.voltage[phase], state.current[phase]];
    rows[phase].toggleAttribute("data-dead", volts === 0);
    rows[phase].cells[1].textContent = `${format.volts(volts)} V`;
    rows[phase].cells[2].textContent = `${format.measuredAmperes(amps)} A`;
  }
}

function showDetail(detail) {
  const pilot = PILOT_WORDS[detail.pilot] || detail.pilot;
  const offer = `${pilot}, ${format.percent(detail.dutyPpm)} % = ${format.amperes(detail.offeredCurrent)} A`;
  setText("pilot", detail.pilot === "pwm" ? offer : pilot);
  setText("contactor", detail.contactorClosed ? "closed" : "open");
  showRow("lock", detail.locked === null ? null : detail.locked ? "locked" : "released");
  showRow("cable", detail.locked === null || detail.cableRating === null ? null : `${detail.cableRating} A`);
  const warm = detail.temperatureSensors > 0 ? `${format.degrees(detail.temperatureHigh)} °C` : null;
  showRow("temperature", warm);
  const late = detail.lateness;
  showRow("lateness", late.passes > 0 ? `${format.milliseconds(late.worst)} ms` : null);
}

export function showOfferHint(state, detail) {
  const offered = detail?.offeredCurrent || 0;
  const capped = offered > 0 && offered < state.chargingCurrent - 0.05;
  setText("offer-hint", capped ? `The car is offered ${format.amperes(offered)} A now.` : "");
}

export function showStation(state, detail) {
  showErrors(state.errors);
  showHero(state, detail);
  showActions(state);
  showSession(state);
  showPhases(state);
  showOfferHint(state, detail);
  setText("total-energy", format.kilowattHours(state.totalConsumption));
  setText("state-letter", state.state);
  if (detail) {
    showDetail(detail);
  }
}

const LINK_WORDS = { live: "Live", polling: "Slow updates", offline: "No connection", connecting: "Connecting" };

export function showLink(link, silentSeconds) {
  byId("link").dataset.link = link;
  setText("link-text", LINK_WORDS[link]);
  const offline = link === "offline";
  document.body.toggleAttribute("data-offline", offline);
  for (const fields of document.querySelectorAll("[data-needs-station]")) {
    fields.disabled = offline;
  }
  const banner = byId("offline-banner");
  if (offline && banner.hidden) {
    banner.textContent =
      "No connection to the station. The values below are old; charging goes on as it was. Trying again…";
  }
  banner.hidden = !offline;
  if (offline) {
    byId("link").title = `silent for ${silentSeconds} s`;
  }
}
