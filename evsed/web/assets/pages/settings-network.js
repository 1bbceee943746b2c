// Wi-Fi, access point, and the name in the network.

import { html, useEffect, useState } from "../vendor/preact.js";
import { config, get, post, quietly } from "../kit/data.js";
import { FormCard, sending, useShape } from "../kit/forms.js";
import { Button, Card, Empty, Rows, Switch, useFeedback } from "../kit/ui.js";
import { t } from "../kit/words.js";

const LOOK_MS = 5000;
const SCAN_MS = 20000;

export function NetworkForms() {
  const [now, setNow] = useState(null);
  const look = () => quietly(get("wifi/state").then(setNow));
  useEffect(() => {
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return html`
    <${Wifi} now=${now} />
    <${Discovery} />
    ${now && html`<${AccessPoint} now=${now} look=${look} />`}`;
}

function Wifi({ now }) {
  const [found, setFound] = useState(null);
  const [picked, setPicked] = useState({ name: null, count: 0 });
  const { act, note } = useFeedback();
  const there = { ...config.value.wifi, password: "" };
  const scan = () => act(async () => setFound(await get("wifi/scan", SCAN_MS)));
  return html`
    <${FormCard} key=${picked.count} title=${t("Wi-Fi")} there=${there} shape=${useShape("wifi")} send=${sending("wifi")}
      intro=${t("Takes effect a second after it is saved. The connection of this page may change with it.")} fields=${[
        { key: "ssid", kind: "text", label: t("Network"), list: "networks", autocomplete: "off" },
        { key: "password", kind: "password", label: t("Password"), hint: t("Empty field: as before."), autocomplete: "new-password" },
        { key: "staticIp", kind: "text", label: t("Own address"), placeholder: "192.168.1.20" },
        { key: "staticNetmask", kind: "text", label: t("Network mask"), placeholder: "255.255.255.0" },
        { key: "staticGateway", kind: "text", label: t("Gateway"), placeholder: "192.168.1.1" },
        { key: "staticDns", kind: "text", label: t("Name server"), placeholder: "192.168.1.1" },
        { key: "enabled", kind: "switch", label: t("Connect to this network") },
        { key: "staticEnabled", kind: "switch", label: t("Use the addresses above"), hint: t("Off: the network gives an address (DHCP).") },
      ]}>
      <datalist id="networks">${(found ?? []).map(({ ssid }) => html`<option value=${ssid} />`)}</datalist>
    <//>
    <${Card} title=${t("Connection")} note=${note}>
      ${found && (found.length
        ? html`<ul class="plain-list">${found.map(({ ssid, rssi, auth }) => html`<li><span>${ssid}</span><span class="hint">${rssi} dBm${auth ? `, ${t("with password")}` : ""}</span></li>`)}</ul>`
        : html`<${Empty}>${t("None were found.")}<//>`)}
      ${now && html`<${Rows} rows=${[
        [t("Address"), now.ip === "0.0.0.0" ? t("not connected") : now.ip],
        ["MAC", now.mac], [t("Signal"), now.rssi ? `${now.rssi} dBm` : null],
      ]} />`}
      <${Button} kind="quiet" onClick=${scan}>${t("Search for networks")}<//>
    <//>`;
}

function Discovery() {
  return html`
    <${FormCard} title=${t("Name in the network")} there=${config.value.discovery} shape=${useShape("discovery")} send=${sending("discovery")} fields=${[
      { key: "hostname", kind: "text", label: t("Host name"), hint: t("This page is then found as {name}.local", { name: config.value.discovery.hostname }) },
      { key: "instanceName", kind: "text", label: t("Name shown to people") },
    ]} />`;
}

function AccessPoint({ now, look }) {
  const { act, note } = useFeedback();
  const turn = (on) => act(() => post("wifi/state/ap", on).then(look));
  return html`
    <${Card} title=${t("Access point")} note=${note}>
      <${Switch} label=${t("Open an access point")} hint=${t("It goes off by itself after a minute without anybody on it.")} checked=${now.apEnabled} onChange=${turn} />
      <${Rows} rows=${[[t("Network"), now.apSsid], [t("Address"), now.apIp === "0.0.0.0" ? null : now.apIp], ["MAC", now.apMac]]} />
    <//>`;
}
