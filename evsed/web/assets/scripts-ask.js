// The one dialog: asks before something is lost, or for a name.

import { say } from "./scripts-words.js";

const byId = (id) => document.getElementById(id);
const dialog = byId("ask");

// Resolves to the text that was typed (or "" without a field), null when it was cancelled.
// check(text) returns what is wrong with it, or nothing.
export function ask({ title, text = "", action, danger = false, label = null, value = "", check }) {
  const [field, button, problem] = [byId("ask-field"), byId("ask-yes"), byId("ask-problem")];
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-field-row").hidden = label === null;
  byId("ask-label").textContent = label ?? "";
  problem.textContent = "";
  field.value = value;
  button.textContent = action;
  button.classList.toggle("danger", danger);
  dialog.returnValue = "";
  dialog.showModal();
  if (label === null) byId("ask-no").focus();
  else selectStem(field);
  return new Promise((resolve) => {
    const submit = (event) => {
      const wrong = label !== null && check?.(field.value);
      if (!wrong) return;
      event.preventDefault();
      problem.textContent = say("page.refused", { reason: wrong });
      field.focus();
    };
    dialog.addEventListener("submit", submit);
    const closed = () => {
      dialog.removeEventListener("submit", submit);
      resolve(dialog.returnValue === "yes" ? (label === null ? "" : field.value) : null);
    };
    dialog.addEventListener("close", closed, { once: true });
  });
}

// The name without its ending: that is what people change.
function selectStem(field) {
  const dot = field.value.lastIndexOf(".");
  field.focus();
  field.setSelectionRange(0, dot > 0 ? dot : field.value.length);
}

byId("ask-no").addEventListener("click", () => dialog.close());
