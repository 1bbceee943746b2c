// Settings: one subject at a time, each a form of its own.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { board, config, has } from "../kit/data.js";
import { N, t } from "../kit/words.js";
import { ChargingForm, MeterForm, ProtectionForms } from "./settings-charging.js";
import { MqttForms } from "./settings-mqtt.js";
import { NetworkForms } from "./settings-network.js";
import { OcppForms } from "./settings-ocpp.js";
import { DisplayForm, PortForms } from "./settings-ports.js";
import { SecurityForms } from "./settings-security.js";

const SUBJECTS = [
  { at: "charging", title: N("Charging and limits"), show: ChargingForm },
  { at: "meter", title: N("Meter"), show: MeterForm },
  { at: "protection", title: N("Socket and protection"), show: ProtectionForms },
  { at: "network", title: N("Network"), show: NetworkForms },
  { at: "mqtt", title: "MQTT", show: MqttForms, when: () => has("/mqtt") },
  { at: "ports", title: N("Serial and Modbus"), show: PortForms },
  { at: "ocpp", title: N("Management system"), show: OcppForms, when: () => has("/ocpp/state") },
  { at: "display", title: N("Display"), show: DisplayForm, when: (able) => able.serials.length > 0 },
  { at: "security", title: N("Security"), show: SecurityForms },
];

export default function Settings({ rest }) {
  const nav = useRef(null);
  useEffect(() => {
    const chosen = nav.current?.querySelector("[aria-current]");
    if (chosen) nav.current.scrollLeft = chosen.offsetLeft - nav.current.offsetLeft - 16;
  }, [rest[0], board.value]);
  const able = board.value;
  if (!able || !config.value.evse) return html`<h1>${t("Settings")}</h1>`;
  const shown = SUBJECTS.filter(({ when }) => !when || when(able));
  const here = shown.find(({ at }) => at === rest[0]) ?? shown[0];
  return html`
    <h1>${t("Settings")}</h1>
    <div class="subjects">
      <nav class="subject-nav" ref=${nav} aria-label=${t("Settings")}>
        ${shown.map(({ at, title }) => html`
          <a key=${at} href="#/settings/${at}" aria-current=${at === here.at ? "page" : undefined}>${t(title)}</a>`)}
      </nav>
      <div class="subject" key=${here.at}><${here.show} /></div>
    </div>`;
}
