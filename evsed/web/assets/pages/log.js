// The log as it grows, from the event stream; or asked for, where there is none.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { ask, followLines, link, quietly } from "../kit/data.js";
import { Button, Card, Empty, Field, Switch } from "../kit/ui.js";
import { N, t } from "../kit/words.js";
import { save } from "./parts.js";

const MOST_LINES = 2000;
const SHOWN = 400;
const LEVELS = { D: N("everything"), I: N("from information on"), W: N("warnings and errors"), E: N("errors") };
const RANK = { D: 0, I: 1, W: 2, E: 3, C: 3 };
const POLL_MS = 2000;

// The level of a line, or that of the record it goes on with.
function levelOf(line, before) {
  const found = /^\S+ ([DIWEC]) /.exec(line);
  return found ? found[1] : before;
}

function joined(lines, fresh) {
  const all = [...lines];
  for (const line of fresh) all.push({ line, level: levelOf(line, all.at(-1)?.level ?? "I") });
  return all.slice(-MOST_LINES);
}

export function LogCard() {
  const [lines, setLines] = useState([]);
  const [level, setLevel] = useState("I");
  const [wanted, setWanted] = useState("");
  const [paused, setPaused] = useState(false);
  const [from, setFrom] = useState(0); // what was cleared away
  const box = useRef(null);
  const polling = link.value === "polling";

  useEffect(() => {
    let next = 0;
    let run = null;
    return followLines("log", {
      begin: (boot) => {
        if (boot !== run) [run, next] = [boot, 0];
      },
      take: (entries) => {
        const fresh = entries.filter(({ n }) => n >= next);
        if (!fresh.length) return;
        next = fresh.at(-1).n + 1;
        setLines((known) => joined(known, fresh.map(({ line }) => line)));
      },
    });
  }, []);
  useEffect(() => {
    if (!polling) return undefined;
    const look = () => quietly(ask("log").then(({ text }) => setLines(joined([], text.split("\n").slice(0, -1)))));
    look();
    const timer = setInterval(look, POLL_MS);
    return () => clearInterval(timer);
  }, [polling]);
  const held = useRef([]);
  if (!paused) held.current = lines;
  const shown = held.current.slice(Math.max(0, held.current.length - lines.length + from))
    .filter((one) => RANK[one.level] >= RANK[level] && (!wanted || one.line.toLowerCase().includes(wanted.toLowerCase())));
  useEffect(() => {
    if (!paused && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length, paused]);
  return html`
    <${Card} title=${t("Log")} class="log-card" id="log">
      <div class="log-tools">
        <${Field} kind="select" label=${t("Show")} options=${Object.entries(LEVELS).map(([key, text]) => [key, t(text)])} value=${level} onInput=${setLevel} />
        <${Field} label=${t("Containing")} value=${wanted} onInput=${setWanted} />
        <${Switch} label=${t("Pause")} checked=${paused} onChange=${setPaused} />
        <div class="fill-buttons">
          <${Button} kind="small" needs=${false} onClick=${() => save("evsed-log.txt", lines.map(({ line }) => `${line}\n`).join(""))}>${t("Download")}<//>
          <${Button} kind="small" needs=${false} onClick=${() => setFrom(lines.length)}>${t("Clear view")}<//>
        </div>
      </div>
      ${shown.length
        ? html`<div class="log" ref=${box} role="log" aria-live="off" tabindex="0" aria-label=${t("Log")} data-live>
            ${shown.slice(-SHOWN).map(({ line, level: one }, place) => html`<div key=${place} data-level=${one}>${line}</div>`)}
          </div>`
        : html`<${Empty}>${t("No line to show.")}<//>`}
    <//>`;
}
