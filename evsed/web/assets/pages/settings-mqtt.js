// The MQTT broker, topics, and discovery by Home Assistant.

import { html, useEffect, useState } from "../vendor/preact.js";
import { get, post, quietly } from "../kit/data.js";
import { FormCard, useShape } from "../kit/forms.js";
import { Card, Empty, Rows } from "../kit/ui.js";
import { N, t } from "../kit/words.js";

const LOOK_MS = 2000;
const STATES = { off: N("off"), connecting: N("connecting"), connected: N("connected"), disconnected: N("not connected") };

export function MqttForms() {
  const [there, setThere] = useState(null);
  const [now, setNow] = useState(null);
  const read = () => quietly(get("config/mqtt").then(setThere));
  useEffect(() => {
    const look = () => quietly(get("mqtt").then(setNow));
    read();
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const shape = useShape("mqtt");
  if (!there) return html`<${Card} title="MQTT"><${Empty}>${t("Loading…")}<//><//>`;
  return html`
    <${FormCard} title="MQTT" there=${{ ...there, password: "" }} shape=${shape} send=${(patch) => post("config/mqtt", patch).then(read)}
      intro=${t("Values, events and commands at a broker. Whoever may publish there can steer the charger.")} fields=${[
        { key: "uri", kind: "text", label: t("Broker"), placeholder: "mqtt://nas.local", autocomplete: "off" },
        { key: "user", kind: "text", label: t("User"), autocomplete: "off" },
        { key: "password", kind: "password", label: t("Password"), hint: t("Empty field: as before. For another host it has to be given anew."), autocomplete: "new-password" },
        { key: "topic", kind: "text", label: t("Topics begin with"), placeholder: now?.topic },
        { key: "interval", label: t("Measured values at most every"), unit: "s", step: 1 },
        { key: "discoveryPrefix", kind: "text", label: t("Home Assistant listens at") },
        { key: "enabled", kind: "switch", label: t("Connect to this broker") },
        { key: "discovery", kind: "switch", label: t("Tell Home Assistant"), hint: t("The charger appears there by itself.") },
      ]} />
    ${now && html`<${Card} title=${t("Connection")}>
      <${Rows} rows=${[
        [t("State"), t(STATES[now.state] ?? now.state)], [t("Trouble"), now.reason || null],
        [t("Topic"), now.state === "off" ? null : `${now.topic}/#`], [t("Waiting messages"), now.waiting || null],
      ]} />
    <//>`}`;
}
