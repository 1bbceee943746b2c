// Every word of the Scripts page. In the HTML a key stands in data-word (text) or data-label (name).

const WORDS = {
  "page.title": "Scripts",
  "page.home": "Charger",
  "page.skip": "Skip to the scripts",
  "page.refused": "Refused: {reason}",
  "page.sending": "Sending…",
  "page.cancel": "Cancel",

  "engine.title": "Script engine",
  "engine.legend": "Script engine",
  "engine.enabled": "Run scripts",
  "engine.auto": "Reload when a file changes",
  "engine.reload": "Reload scripts",
  "engine.off": "The engine is off. Scripts are kept, but none of them runs.",
  "engine.on": "The engine is on. It starts with the file init.lua.",
  "engine.started": "Scripts are running",
  "engine.stopped": "Scripts are stopped",
  "engine.saved": "Saved",
  "engine.reloaded": "Reloaded",

  "components.title": "Components",
  "components.off": "Components appear here when the engine is on.",
  "components.none":
    "No script has registered a component. A component gets its own settings here: see component.register.",
  "components.no-settings": "No settings.",
  "components.save": "Save settings",
  "components.saved": "Saved, and started again",
  "components.unchanged": "Nothing was changed",
  "components.not-a-number": "{name}: this is not a number",
  "components.show": "Show",
  "components.hide": "Hide",
  "components.show-label": "Show {name}",
  "components.unset": "as the script has it",

  "status.running": "running",
  "status.idle": "idle",
  "status.finished": "finished",
  "status.failed": "failed",
  "status.stopped": "stopped",

  "files.title": "Files",
  "files.list": "Files in this folder",
  "files.new": "New file",
  "files.new-folder": "New folder",
  "files.upload": "Upload",
  "files.up": "↑ {name}",
  "files.folder": "folder",
  "files.more": "More for {name}",
  "files.download": "Download",
  "files.rename": "Rename",
  "files.delete": "Delete",
  "files.space": "{used} used, {free} free",
  "files.empty": "This folder is empty.",
  "files.start-here": "No scripts yet. Begin with init.lua: the engine starts with it.",
  "files.create-first": "Create init.lua",
  "files.absent": "File access (WebDAV) is switched off on this station.",
  "files.new-title": "New file",
  "files.new-folder-title": "New folder",
  "files.name": "Name",
  "files.create": "Create",
  "files.rename-title": "Rename {name}",
  "files.delete-title": "Delete {name}?",
  "files.delete-text": "It cannot be brought back.",
  "files.delete-folder-text": "Everything in it is deleted as well. It cannot be brought back.",
  "files.replace-title": "Replace {name}?",
  "files.replace-text": "There is a file of this name already.",
  "files.replace": "Replace",
  "files.exists": "{name} is there already",
  "files.bad-name": "a name cannot be empty or contain a slash",
  "files.created": "{name} was created",
  "files.renamed": "Renamed to {name}",
  "files.deleted": "{name} was deleted",
  "files.uploaded": "{name} was uploaded",
  "files.not-text": "{name} is not a text of at most {size}. Download it instead.",

  "editor.title": "Editor",
  "editor.nothing": "Open a file of the list to edit it.",
  "editor.field": "Text of {name}",
  "editor.hint": "Tab indents. To leave the text with the keyboard press Esc, then Tab. Ctrl+S saves.",
  "editor.save": "Save",
  "editor.save-reload": "Save and reload",
  "editor.close": "Close",
  "editor.changed": "Not saved yet",
  "editor.opening": "Opening…",
  "editor.saving": "Saving…",
  "editor.saved": "Saved",
  "editor.saved-reload": "Saved. Reload the scripts to use it.",
  "editor.saved-auto": "Saved. The scripts reload by themselves.",
  "editor.line": "Line {line}",
  "editor.discard-title": "Discard your changes to {name}?",
  "editor.discard-text": "They have not been saved.",
  "editor.discard": "Discard",
  "editor.conflict":
    "Not saved: somebody else has changed or deleted this file since you opened it. Your text is still here.",
  "editor.theirs": "Load their version",
  "editor.mine": "Save mine over it",
  "editor.newer": "Somebody else has changed this file.",
  "editor.gone": "This file is no longer there. Saving creates it again.",

  "output.title": "Output",
  "output.lines": "Output of the scripts",
  "output.follow": "Follow",
  "output.clear": "Clear view",
  "output.download": "Download",
  "output.none": "Nothing has been printed yet. What scripts print appears here.",
  "output.off": "The engine is off.",
  "output.lost": "… {count} lines are not shown",
  "output.error": "Error in {place}",

  "failure.silent": "the station does not answer",
  "failure.status": "error {status}",
  "failure.missing": "it is not there",
};

// What a first init.lua says.
export const FIRST_SCRIPT = `-- Runs when the engine starts. Modules: evse, energymeter, boardconfig, aux, serial, json, mqtt
local evse = require("evse")

component.register {
  id = "hello",
  name = "Hello",
  description = "Prints the state of the charger",
  params = {
    interval = { type = "number", name = "Seconds between lines", default = 5 },
  },
  start = function(params)
    return coroutine.create(function()
      while true do
        print("state", evse.getstate())
        coroutine.yield(params.interval * 1000)
      end
    end)
  end,
}
`;

export function say(key, values = {}) {
  return WORDS[key].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

// Puts the words where the page asks for them.
export function fillWords(root) {
  for (const element of root.querySelectorAll("[data-word]")) {
    element.textContent = say(element.dataset.word);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
}
