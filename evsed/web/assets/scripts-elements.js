// Small things the parts of the Scripts page share.

import { moment as inWords } from "./kit/words.js";

export { size } from "./kit/words.js";

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

export const moment = (date) => (Number.isNaN(date.getTime()) ? "" : inWords(date.getTime() / 1000));
