// Small things the parts of the Scripts page share.

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Only changes: screen readers announce each of them. kind: "", "done" or "refused".
export function tell(element, text, kind = "") {
  if (element.textContent !== text) {
    element.textContent = text;
  }
  element.dataset.kind = kind;
}

export function button(text, properties, act) {
  const made = make("button", { type: "button", className: "button small", textContent: text });
  Object.assign(made, properties);
  made.addEventListener("click", act);
  return made;
}

const bytes = (unit, digits) =>
  new Intl.NumberFormat(undefined, {
    style: "unit", unit, maximumFractionDigits: digits, unitDisplay: unit === "byte" ? "long" : "short",
  });
const UNITS = [
  [2 ** 30, bytes("gigabyte", 1)],
  [2 ** 20, bytes("megabyte", 1)],
  [2 ** 10, bytes("kilobyte", 1)],
  [1, bytes("byte", 0)],
];

export function size(count) {
  const [unit, format] = UNITS.find(([least]) => count >= least) ?? UNITS[3];
  return format.format(count / unit);
}

const SHORT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const moment = (date) => (Number.isNaN(date.getTime()) ? "" : SHORT.format(date));
