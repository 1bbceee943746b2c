// System: how the station is, its log, updates, backup, restart.

import { html, useEffect, useState } from "../vendor/preact.js";
import { ask, board, detail, get, has, info, post, quietly, state, upload, urlOf } from "../kit/data.js";
import { Button, Card, Field, Icon, Rows, confirmed, useFeedback } from "../kit/ui.js";
import { duration, moment, number, size, t } from "../kit/words.js";
import { LogCard } from "./log.js";
import { Download, FileSend, save } from "./parts.js";
import { nameOf } from "./reasons.js";

export default function System() {
  return html`
    <h1>${t("System")}</h1>
    <${Panic} />
    <${Ways} />
    <div class="pair">
      <div class="stack"><${About} /><${Health} /></div>
      <div class="stack"><${Update} /><${Keep} /><${Restart} /></div>
    </div>
    <${LogCard} />`;
}

// --- further pages ---

function Ways() {
  const ways = [
    ["scripts.html", "scripts", t("Scripts"), t("Programs of your own, and their files")],
    ["#/commissioning", "check", t("Commissioning"), t("Step by step, after the installation")],
    ["api.html", "system", t("REST API"), t("Every value, for programs and people")],
  ];
  return html`
    <ul class="ways">
      ${ways.map(([href, icon, title, text]) => html`
        <li><a class="card way" href=${href}><${Icon} name=${icon} /><span><b>${title}</b><span class="hint">${text}</span></span><${Icon} name="next" class="fold-mark" /></a></li>`)}
    </ul>`;
}

// --- crash notice ---

function Panic() {
  const [found, setFound] = useState(null);
  const { act, note } = useFeedback();
  const look = () => quietly(ask("log/panic").then(({ text, headers }) => setFound({ text, at: Number(headers.get("X-Time")) })));
  useEffect(() => {
    look();
  }, []);
  if (!found?.text) return null;
  return html`
    <article class="error" id="panic">
      <${Icon} name="warn" />
      <h2>${t("The program did not end in order")}</h2>
      <div class="error-body">
        <p>${t("On {time}. It was started again by itself; the record helps to find out why.", { time: moment(found.at) })}</p>
        <div class="fill-buttons">
          <${Button} kind="small" needs=${false} onClick=${() => save("evsed-crash.txt", found.text)}>${t("Download")}<//>
          <${Button} kind="small" onClick=${() => act(() => ask("log/panic", { method: "DELETE" }).then(look))}>${t("Seen, remove it")}<//>
        </div>
        ${note}
      </div>
    </article>`;
}

// --- about and health ---

function About() {
  const facts = info.value;
  const able = board.value;
  if (!facts || !able) return null;
  const used = facts.heap.allocated / (facts.heap.allocated + facts.heap.free);
  const parts = [
    [able.socketLock, t("plug lock")], [able.proximity, t("cable detection")], [able.rcm, t("residual current monitor")],
    [able.temperatureSensor, t("temperature sensor")], [able.energyMeter === "cur", t("current meter")], [able.energyMeter === "cur_vlt", t("current and voltage meter")],
    [able.energyMeterThreePhases, t("three phases")], [able.serials.length, t("{count} serial ports", { count: able.serials.length })],
    [able.auxInputs.length + able.auxOutputs.length + able.auxAnalogInputs.length, t("free inputs and outputs")],
  ].filter(([there]) => there).map(([, text]) => text);
  return html`
    <${Card} title=${t("About")} live id="about">
      <${Rows} rows=${[
        [t("Version"), facts.appVersion], [t("Built"), `${facts.appDate} ${facts.appTime}`],
        [t("Running for"), duration(facts.uptime)], [t("Platform"), facts.idfVersion],
        [t("Computer"), `${facts.chip}, ${t("{count} cores", { count: facts.chipCores })}`],
        [t("Temperature"), facts.temperatureSensorCount ? warmth(facts) : null],
        [t("Memory"), html`<span class="memory"><meter min="0" max="1" value=${used} aria-label=${t("Memory in use")}></meter> ${t("{used} used, {free} free", { used: size(facts.heap.allocated), free: size(facts.heap.free) })}</span>`],
        [t("Board"), able.deviceName], [t("It has"), parts.join(", ") || t("a pilot and a contactor")],
      ]} />
    <//>`;
}

function warmth({ temperatureLow: low, temperatureHigh: high }) {
  return low === high ? `${number(high, 1)} °C` : `${number(low, 1)} … ${number(high, 1)} °C`;
}

function Health() {
  const more = detail.value;
  const now = state.value;
  if (!more || !now) return null;
  const late = more.lateness;
  return html`
    <${Card} title=${t("Self-test")} live id="health">
      <${Rows} rows=${[
        [t("Errors now"), now.errors ? now.errors.map((name) => t(nameOf(name))).join(", ") : t("none")],
        [t("Board"), more.maintenance ?? t("in order")],
        [t("Control loop, worst delay"), `${number(late.worst / 1000, 1)} ms`],
        [t("Delays over 20 ms"), `${number(late.over20ms)} / ${number(late.passes)}`],
        [t("Real-time priority"), late.realTime ? t("yes") : t("no")],
        [t("Contactor closed so far"), t("{count} times", { count: number(more.contactor.closings) })],
        [t("Opened under load"), t("{count} times", { count: number(more.contactor.loadedOpenings) })],
      ]} />
    <//>`;
}

// --- update ---

function Update() {
  const [channels, setChannels] = useState([]);
  const [channel, setChannel] = useState("");
  const [found, setFound] = useState(null);
  const { act, note } = useFeedback();
  useEffect(() => {
    quietly(Promise.all([get("firmware/channels"), get("firmware/channel")]).then(([all, one]) => {
      setChannels(all);
      setChannel(one);
    }));
  }, []);
  const choose = (wanted) => act(async () => {
    await post("firmware/channel", wanted);
    setChannel(wanted);
    setFound(null);
  }, t("Saved"));
  const check = () => act(async () => setFound(await get("firmware/check-update", 20000)));
  const newer = found && found.available !== found.current;
  const install = async () => {
    const sure = await confirmed({ title: t("Install {version}?", { version: found.available }), text: t("Charging is stopped, and the station restarts."), yes: t("Install"), danger: false });
    if (sure) await act(() => post("firmware/update", undefined, 600000), t("Installing; the station restarts."));
  };
  const sure = (file) => confirmed({ title: t("Install {version}?", { version: file.name }), text: t("Charging is stopped, and the station restarts."), yes: t("Install"), danger: false });
  return html`
    <${Card} title=${t("Update")} note=${note} id="update">
      ${channels.length > 0 && html`
        <div class="fields">
          <${Field} kind="select" label=${t("Channel")} options=${channels.map((one) => [one, one])} value=${channel} onInput=${choose} />
        </div>
        <div class="fill-buttons">
          <${Button} onClick=${check}>${t("Look for an update")}<//>
          ${newer && html`<${Button} kind="primary" onClick=${install}>${t("Install {version}", { version: found.available })}<//>`}
        </div>
        ${found && !newer && html`<p class="hint">${t("{version} is the newest.", { version: found.current })}</p>`}`}
      <${FileSend} label=${t("Package (.deb)")} accept=".deb" action=${t("Install")} done=${t("Installing; the station restarts.")} sure=${sure}
        send=${(file, progress) => upload("firmware/upload", file, "application/octet-stream", progress)} />
      <p class="hint">${t("Only packages signed by a known key are taken.")}</p>
    <//>`;
}

// --- backup, diagnosis, restart ---

function Keep() {
  const sure = () => confirmed({
    title: t("Restore this backup?"), text: t("All settings and scripts are replaced by those of the backup. Passwords stay."), yes: t("Restore"),
  });
  return html`
    <${Card} title=${t("Backup and diagnosis")} id="backup">
      <div class="fill-buttons">
        ${has("/config/backup") && html`<${Download} href=${urlOf("config/backup")}>${t("Download a backup")}<//>`}
        ${has("/diagnosis") && html`<${Download} href=${urlOf("diagnosis")}>${t("Download a diagnosis")}<//>`}
      </div>
      ${has("/diagnosis") && html`<p class="hint">${t("The diagnosis holds versions, board, settings without passwords, the log and the last faults: what somebody needs to help you.")}</p>`}
      ${has("/config/restore") && html`
        <${FileSend} label=${t("Backup (.zip)")} accept=".zip" action=${t("Restore")} done=${t("Restored")} sure=${sure}
          send=${(file, progress) => upload("config/restore", file, "application/zip", progress)} />`}
    <//>`;
}

function Restart() {
  const { act, note } = useFeedback();
  const ways = [
    ["restart", t("Restart"), t("Restart the station?"), t("Charging is stopped in order. This page comes back by itself."), t("Restarting…")],
    has("/reset") && ["reset", t("Factory settings"), t("Back to factory settings?"), t("All settings, user and password are lost. The history of charging stays."), t("Restarting…"), { confirm: "erase all settings" }],
  ].filter(Boolean);
  const go = async ([path, , title, text, done, body]) => {
    if (await confirmed({ title, text, yes: title.replace("?", "") })) await act(() => post(path, body), done);
  };
  return html`
    <${Card} title=${t("Restart")} note=${note} id="restart">
      <div class="fill-buttons">
        ${ways.map((way) => html`<${Button} key=${way[0]} onClick=${() => go(way)}>${way[1]}<//>`)}
      </div>
    <//>`;
}
