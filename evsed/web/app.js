// The start of everything: reads what the station is, then follows what it does.

import { get, post } from "./api.js";
import { setHighest, showCurrent, startCurrent } from "./current.js";
import { Live } from "./live.js";
import { showSetup, startSimulator } from "./simulator.js";
import { showLink, showStation } from "./view.js";

const byId = (id) => document.getElementById(id);
let state = null;
let detail = null;

function render() {
  if (state) {
    showStation(state, detail);
    showCurrent(state.chargingCurrent);
  }
}

async function readConfig() {
  const evse = await get("config/evse");
  setHighest(evse.maxChargingCurrent);
  showSetup(evse);
}

async function readFacts() {
  const [board, info] = await Promise.all([get("board-config"), get("info")]);
  byId("device-name").textContent = board.deviceName;
  byId("version").textContent = info.appVersion;
  render();
  if (info.chip === "simulator") {
    await startSimulator();
    await readConfig();
  }
}

function say(text, kind = "") {
  byId("action-feedback").textContent = text;
  byId("action-feedback").dataset.kind = kind;
}

// Sends, then reads back at once: the answer to a write means that the station has taken it.
async function act(path, value) {
  say("Sending…");
  try {
    await post(path, value);
    state = await get("state");
    render();
    say("");
  } catch (error) {
    say(`Refused: ${error.message}`, "refused");
  }
}

function startActions() {
  byId("toggle-charging").addEventListener("click", () => act("state/enabled", !state?.enabled));
  byId("authorize").addEventListener("click", () => act("state/authorize"));
  byId("into-service").addEventListener("click", () => act("state/available", true));
  byId("out-of-service").addEventListener("click", () => act("state/available", false));
}

const quietly = (reading) => reading.catch(() => {});

startActions();
startCurrent();
quietly(readFacts());
new Live({
  hello: () => quietly(readConfig()),
  config: () => quietly(readConfig()),
  state: (picture) => {
    state = picture;
    render();
  },
  detail: (picture) => {
    detail = picture;
    render();
  },
  link: showLink,
});
