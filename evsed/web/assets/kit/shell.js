// What surrounds every page: name, navigation, connection, language, theme; and which page shows.

import { html, render, signal, useEffect, useRef, useState } from "../vendor/preact.js";
import * as data from "./data.js";
import { Button, Icon, Question } from "./ui.js";
import { LANGUAGES, N, begin, dress, language, speak, speakOfPages, t, theme, wear } from "./words.js";

// needs: an extension of the API; a page whose service is not there is not in the navigation.
// module: what default-exports the page; href: a document of its own. bar: on a phone, too.
export const PLACES = [
  { at: "", title: N("Home"), icon: "home", module: "../pages/home.js", bar: true },
  { at: "history", title: N("History"), icon: "history", module: "../pages/history.js", needs: "/sessions", bar: true },
  { at: "schedule", title: N("Schedule"), icon: "schedule", module: "../pages/schedule.js", bar: true },
  { at: "settings", title: N("Settings"), icon: "settings", module: "../pages/settings.js", bar: true },
  { at: "scripts", title: N("Scripts"), icon: "scripts", href: "scripts.html" },
  { at: "system", title: N("System"), icon: "system", module: "../pages/system.js", bar: true },
  { at: "commissioning", title: N("Commissioning"), icon: "check", module: "../pages/commissioning.js", hidden: true },
];

const LINK_WORDS = {
  connecting: N("Connecting"), live: N("Live"), polling: N("Slow updates"), offline: N("Not connected"),
};
const THEMES = { system: N("As the system"), light: N("Light"), dark: N("Dark") };

// What stands behind "#/": the page, and what it may add ("settings/network").
const where = signal(spot());

function spot() {
  const [page = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  return { page, rest };
}

const linkTo = (place) => place.href ?? `./#/${place.at}`;

function Navigation({ here }) {
  const shown = PLACES.filter((place) => !place.hidden && (!place.needs || data.has(place.needs)));
  return html`
    <nav class="nav" aria-label=${t("Pages")}>
      ${shown.map((place) => html`
        <a key=${place.at} href=${linkTo(place)} class="nav-link" data-bar=${place.bar}
           aria-current=${place.at === here ? "page" : undefined}>
          <${Icon} name=${place.icon} /><span>${t(place.title)}</span>
        </a>`)}
    </nav>`;
}

function Looks() {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => {
      if (event.key === "Escape" || (event.type === "pointerdown" && !box.current.contains(event.target))) setOpen(false);
    };
    addEventListener("pointerdown", away);
    addEventListener("keydown", away);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", away);
    };
  }, [open]);
  const choices = (name, words, now, choose) => html`
    <fieldset class="bare looks-choice">
      <legend>${name}</legend>
      ${Object.entries(words).map(([code, text]) => html`
        <label class="radio"><input type="radio" name=${name} checked=${code === now} onChange=${() => choose(code)} /><span lang=${name === t("Language") ? code : undefined}>${text}</span></label>`)}
    </fieldset>`;
  return html`
    <div class="looks" ref=${box}>
      <${Button} kind="plain" icon="theme" needs=${false} label=${t("Language and colors")} aria-expanded=${open} onClick=${() => setOpen(!open)} />
      ${open && html`
        <div class="looks-box">
          ${choices(t("Language"), LANGUAGES, language.value, (code) => speak(code))}
          ${choices(t("Colors"), Object.fromEntries(Object.entries(THEMES).map(([code, text]) => [code, t(text)])), theme.value, dress)}
        </div>`}
    </div>`;
}

function Top({ here }) {
  return html`
    <header class="top">
      <a class="brand" href="./#/"><span class="logo"><${Icon} name="bolt" /></span><span id="device-name">${data.board.value?.deviceName ?? t("Charger")}</span></a>
      <${Navigation} here=${here} />
      <p class="link" id="link" data-link=${data.link.value}><span class="link-dot" aria-hidden="true"></span><span id="link-text">${t(LINK_WORDS[data.link.value])}</span></p>
      <${Looks} />
    </header>
    ${data.offline.value && html`
      <p class="banner" id="offline-banner" role="alert">
        ${t("No connection to the station. What is shown may be out of date; it comes back by itself.")}
      </p>`}
    <${Question} />`;
}

// Pages of their own, such as scripts.html, call it with what they are called.
export async function surround(here) {
  wear();
  await begin();
  await speakOfPages();
  data.follow();
  render(html`<${Top} here=${here} />`, document.getElementById("shell"));
}

// --- the pages of index.html ---

const loaded = new Map();

function App() {
  const { page, rest } = where.value;
  const place = PLACES.find((one) => one.at === page && one.module) ?? PLACES[0];
  const [, redraw] = useState(0);
  const main = useRef(null);
  const first = useRef(true);
  const heard = data.link.value;
  useEffect(() => {
    if (!loaded.has(place.at) || (loaded.get(place.at) === Missing && heard === "live")) {
      Promise.all([import(place.module), place.at && speakOfPages(), place.at && dressPages()]).then(
        ([module]) => loaded.set(place.at, module.default),
        () => loaded.set(place.at, Missing),
      ).then(() => redraw((count) => count + 1));
    }
  }, [place.at, heard]);
  useEffect(() => {
    if (!first.current) {
      main.current.focus(); // so that the keyboard and a screen reader go on with the new page
      scrollTo(0, 0);
    }
    first.current = false;
  }, [place.at]);
  const title = `${t(place.title)} – ${data.board.value?.deviceName ?? t("Charger")}`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  const Page = loaded.get(place.at);
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>${t("Skip to the page")}</a>
    <${Top} here=${place.at} />
    <main id="main" ref=${main} tabindex="-1" aria-label=${t(place.title)} data-page=${Page && `#/${[place.at, ...rest].join("/")}`}>${Page && html`<${Page} rest=${rest} />`}</main>`;
}

// What only further pages need of colors and measures.
let dressed = null;

function dressPages() {
  dressed ??= new Promise((done) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("../pages.css", import.meta.url).href;
    style.onload = style.onerror = done;
    document.head.append(style);
  });
  return dressed;
}

const Missing = () => html`
  <div class="empty">${t("This page could not be loaded.")} <a href="./">${t("Load again")}</a></div>`;

const app = document.getElementById("app");
if (app) {
  addEventListener("hashchange", () => {
    if (location.hash === "" || location.hash.startsWith("#/")) where.value = spot();
  });
  wear();
  begin().then(() => {
    data.follow();
    render(html`<${App} />`, app);
  });
}
