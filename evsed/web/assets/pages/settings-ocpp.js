// The connection to a management system (OCPP), and how it stands.

import { html, useEffect, useState } from "../vendor/preact.js";
import { get, has, post, quietly } from "../kit/data.js";
import { FormCard, useShape } from "../kit/forms.js";
import { Card, Empty, Rows } from "../kit/ui.js";
import { N, t } from "../kit/words.js";

const LOOK_MS = 3000;
const PROFILES = [[0, N("0: no password")], [1, N("1: password")], [2, N("2: password, encrypted")], [3, N("3: certificate of the charger")]];

export function OcppForms() {
  const [there, setThere] = useState(null);
  const [now, setNow] = useState(null);
  const shape = useShape("ocpp");
  const read = () => get("config/ocpp").then(setThere);
  useEffect(() => {
    if (!has("/ocpp/state")) return undefined;
    const look = () => quietly(get("ocpp/state").then(setNow));
    quietly(read());
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  if (!there) return html`<${Card} title="OCPP"><${Empty}>${t("Looking for it…")}<//><//>`;
  const send = async (patch) => {
    const { securityProfile: profile, ...more } = patch;
    await post("config/ocpp", profile === undefined ? more : { ...more, securityProfile: Number(profile) });
    await quietly(read());
  };
  return html`
    <${FormCard} title=${t("Management system (OCPP)")} there=${{ ...there, password: "" }} shape=${shape} send=${send}
      intro=${t("A management system authorizes, bills, and shares the current out among chargers. It can start and stop charging.")} fields=${[
        { key: "url", kind: "text", label: t("Address"), placeholder: "wss://csms.example/ocpp" },
        { key: "identity", kind: "text", label: t("Identity of this charger") },
        { key: "version", kind: "select", label: t("Version"), options: [["1.6", "1.6 J"], ["2.0.1", "2.0.1"]] },
        {
          key: "securityProfile", kind: "select", label: t("Security profile"), options: PROFILES.map(([one, text]) => [one, t(text)]),
          hint: t("Certificates are set over REST: caCertificate, clientCertificate, clientKey."),
        },
        { key: "password", kind: "password", label: t("Password"), hint: t("Empty field: as before. For another host it has to be given anew."), autocomplete: "new-password" },
        { key: "idTag", kind: "text", label: t("Token of sessions without a card") },
        { key: "meterInterval", label: t("Meter value every"), unit: "s", step: 1 },
        { key: "offlineCurrent", label: t("Most current while it is away"), unit: "A", step: 0.1, hint: t("0: charging pauses. 63: its last limits stay.") },
        { key: "offlineAfter", label: t("Away after"), unit: "s", step: 1 },
        { key: "enabled", kind: "switch", label: t("Connect to the management system") },
      ]} />
    <${Card} title=${t("Connection")}>
      ${now && html`<${Rows} rows=${[
        [t("State"), state(now)],
        [t("Not delivered yet"), now.queue || null],
        [t("Transaction"), now.transaction && now.token],
        [t("Trouble"), now.lastError || null],
      ]} />`}
    <//>`;
}

function state({ enabled, connected, accepted }) {
  if (!enabled) return t("switched off");
  if (accepted) return t("connected");
  return connected ? t("connected, not accepted yet") : t("not connected");
}
