// Words in the language of whoever looks, and numbers as people read them.
//
// The English sentence is its own key: t("Set to {value} A", { value }). Sentences in tables are
// marked with N("…") and given to t() where they are shown; a test finds both in the catalogues.

import { signal } from "../vendor/preact.js";

export const LANGUAGES = { en: "English", de: "Deutsch" };

export const language = signal("en");
const catalogue = signal({});

export const N = (sentence) => sentence;

export function t(sentence, values = {}) {
  const words = catalogue.value[sentence] ?? sentence;
  return words.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage may be forbidden
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // then it is forgotten
  }
}

const spoken = () => {
  const wished = [remembered("language"), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wished.find((code) => code in LANGUAGES) ?? "en";
};

// A language has two files: the words of the first view, and those of all other pages.
let parts = [""];

async function read(code) {
  if (code === "en") return {};
  const files = await Promise.all(parts.map(async (part) =>
    (await fetch(new URL(`../words/${code}${part}.json`, import.meta.url))).json()));
  return Object.assign({}, ...files);
}

export async function speak(code, keep = true) {
  const words = await read(code);
  if (keep) remember("language", code);
  document.documentElement.lang = code;
  formats.clear();
  catalogue.value = words;
  language.value = code;
}

// To be awaited before any page but Home is shown.
export async function speakOfPages() {
  if (parts.length > 1) return;
  parts = ["", "-pages"];
  await speak(language.value, false);
}

export const begin = () => speak(spoken(), false).catch(() => {});

// --- theme: system, light, dark ---

export const theme = signal(remembered("theme") ?? "system");

export function dress(choice) {
  theme.value = choice;
  remember("theme", choice);
  wear();
}

export function wear() {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

// --- numbers and times ---

const formats = new Map();

// Whoever reads English in Dublin or German in Vienna reads times and numbers as they are written there.
export const place = () => navigator.languages.find((tag) => tag.slice(0, 2) === language.value) ?? language.value;

function format(kind, options) {
  const key = `${kind.name} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new kind(place(), options));
  return formats.get(key);
}

// Energies of the API are in Ws, or in Wh where the administrator wants it so.
export const perKilowattHour = signal(3600000);
const digits = (least, most = least) => ({ minimumFractionDigits: least, maximumFractionDigits: most });

export const number = (value, least = 0, most = least) => format(Intl.NumberFormat, digits(least, most)).format(value);
export const kilowatts = (watts) => number(watts / 1000, watts >= 10000 ? 1 : 2);
export const kilowattHours = (energy) => number(energy / perKilowattHour.value, 2);
export const amperes = (value) => number(value, 0, 1);
export const percent = (share) => format(Intl.NumberFormat, { style: "percent" }).format(share);
export const moment = (seconds) =>
  format(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
export const dayAndTime = (seconds) =>
  format(Intl.DateTimeFormat, { day: "numeric", month: "numeric", hour: "numeric", minute: "2-digit" }).format(seconds * 1000);
export const timeOfDay = (seconds) => format(Intl.DateTimeFormat, { timeStyle: "short" }).format(seconds * 1000);
export const day = (seconds) => format(Intl.DateTimeFormat, { dateStyle: "medium" }).format(seconds * 1000);

const SIZES = [["gigabyte", 2 ** 30], ["megabyte", 2 ** 20], ["kilobyte", 2 ** 10], ["byte", 1]];

export function size(bytes) {
  const [unit, least] = SIZES.find(([, smallest]) => bytes >= smallest) ?? SIZES[3];
  const unitDisplay = unit === "byte" ? "long" : "short"; // else "2 byte"
  const options = { style: "unit", unit, maximumFractionDigits: 1, unitDisplay };
  return format(Intl.NumberFormat, options).format(bytes / least);
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  if (minutes >= 10) return `${minutes} min`;
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, "0")} s` : `${whole} s`;
}
