// Serial ports, Modbus, and the Nextion display.

import { html, useEffect, useState } from "../vendor/preact.js";
import { board, config, get, has, post, quietly, readConfig, upload } from "../kit/data.js";
import { DraftField, FormCard, choices, sending, useShape } from "../kit/forms.js";
import { Card, Empty, Field, Rows, useDraft } from "../kit/ui.js";
import { N, size, t } from "../kit/words.js";
import { FileSend } from "./parts.js";

const LOOK_MS = 5000;
const MODES = {
  none: N("Not used"), at: N("AT commands"), log: N("Log"), nextion: N("Nextion display"), modbus: N("Modbus RTU"), script: N("Scripts"),
};
const PARITIES = { disable: N("none"), even: N("even"), odd: N("odd") };
const SAME = (words) => words.map((word) => [word, word]);

export function PortForms() {
  const ports = board.value.serials;
  const [reports, setReports] = useState([]);
  useEffect(() => {
    if (!has("/serial")) return undefined;
    const look = () => quietly(get("serial").then(setReports));
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return html`
    <${FormCard} title="Modbus" there=${config.value.modbus} shape=${useShape("modbus")} send=${sending("modbus")}
      intro=${t("Modbus has no password: whoever reaches it can steer the charger.")} fields=${[
        { key: "unitId", label: t("Unit id"), step: 1 },
        { key: "tcpEnabled", kind: "switch", label: t("Modbus TCP") },
      ]} />
    ${ports.length === 0 && html`<${Card} title=${t("Serial ports")}><${Empty}>${t("This board has no serial ports.")}<//><//>`}
    ${ports.map((port, place) => html`<${Port} key=${place} place=${place} port=${port} report=${reports[place]} />`)}`;
}

const STATES = { closed: N("closed"), open: N("open"), waiting: N("waiting") };

function Port({ place, port, report }) {
  const there = config.value.serial[place];
  const shape = useShape("serial");
  // The station judges all ports together; what it says of this one names its place.
  const draft = useDraft(there, async (patch) => {
    try {
      await post("config/serial", config.value.serial.map((_, other) => (other === place ? { ...there, ...patch } : {})));
    } catch (error) {
      error.message = error.message.replace(`[${place}].`, "");
      throw error;
    }
    await quietly(readConfig());
  });
  const field = (one) => html`<${DraftField} field=${one} draft=${draft} shape=${shape[one.key]} />`;
  return html`
    <${Card} title="${t("Serial port")} ${port.name}" note=${html`<span class="tag">${port.type === "rs485" ? "RS-485" : "UART"}</span>`}>
      <form ref=${draft.form} onSubmit=${draft.save} novalidate>
        <div class="fields">
          ${field({ key: "mode", kind: "select", label: t("Used for"), options: choices(MODES) })}
          ${field({ key: "baudRate", label: t("Bits per second"), step: 1 })}
          ${field({ key: "dataBits", kind: "select", label: t("Data bits"), options: SAME(["5", "6", "7", "8"]) })}
          ${field({ key: "stopBits", kind: "select", label: t("Stop bits"), options: SAME(["1", "1.5", "2"]) })}
          ${field({ key: "parity", kind: "select", label: t("Parity"), options: choices(PARITIES) })}
        </div>
        ${report && html`<${Rows} rows=${[[t("State"), t(STATES[report.state] ?? report.state)], [t("Trouble"), report.trouble || null]]} />`}
        ${draft.foot}
      </form>
    <//>`;
}

const SPEEDS = [9600, 19200, 38400, 57600, 115200, 230400, 256000, 512000, 921600];

export function DisplayForm() {
  const [display, setDisplay] = useState(undefined);
  const [speed, setSpeed] = useState("921600");
  const look = () => quietly(get("nextion/info", 15000).then(setDisplay));
  useEffect(() => {
    look();
  }, []);
  const used = config.value.serial.some(({ mode }) => mode === "nextion");
  return html`
    <${Card} title=${t("Nextion display")}>
      ${display
        ? html`<${Rows} rows=${[[t("Model"), display.model], [t("Touch"), display.touch ? t("yes") : t("no")], [t("Memory"), size(display.flashSize)]]} />`
        : html`<${Empty}>${display === undefined ? t("Looking for it…") : used ? t("No display answers.") : t("No serial port is used for a display. Choose one under “Serial and Modbus”.")}<//>`}
      ${display && html`
        <h3>${t("Write a program into the display")}</h3>
        <div class="fields"><${Field} kind="select" label=${t("Bits per second")} options=${SPEEDS.map((one) => [one, one])} value=${speed} onInput=${setSpeed} /></div>
        <${FileSend} label=${t("Program (.tft)")} accept=".tft" action=${t("Write")} done=${t("Written")}
          send=${(file, progress) => upload(`nextion/upload?baud-rate=${speed}`, file, "application/octet-stream", progress).then(look)} />`}
    <//>`;
}
