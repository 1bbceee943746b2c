// Every word of the Scripts page. In the HTML a key stands in data-word (text) or data-label (name).

import { N, t } from "./kit/words.js";

const WORDS = {
  "page.title": N("Scripts"),
  "page.skip": N("Skip to the scripts"),
  "page.refused": N("Refused: {reason}"),
  "page.sending": N("Sending…"),
  "page.cancel": N("Cancel"),

  "engine.title": N("Script engine"),
  "engine.legend": N("Script engine"),
  "engine.enabled": N("Run scripts"),
  "engine.auto": N("Reload when a file changes"),
  "engine.reload": N("Reload scripts"),
  "engine.off": N("The engine is off. Scripts are kept, but none of them runs."),
  "engine.on": N("The engine is on. It starts with the file init.lua."),
  "engine.started": N("Scripts are running"),
  "engine.stopped": N("Scripts are stopped"),
  "engine.saved": N("Saved"),
  "engine.reloaded": N("Reloaded"),

  "components.title": N("Components"),
  "components.off": N("Components appear here when the engine is on."),
  "components.none":
    N("No script has registered a component. A component gets its own settings here: see component.register."),
  "components.no-settings": N("No settings."),
  "components.save": N("Save settings"),
  "components.saved": N("Saved, and started again"),
  "components.unchanged": N("Nothing was changed"),
  "components.not-a-number": N("{name}: this is not a number"),
  "components.show": N("Show"),
  "components.hide": N("Hide"),
  "components.show-label": N("Show {name}"),
  "components.unset": N("as the script has it"),

  "status.running": N("running"),
  "status.idle": N("idle"),
  "status.finished": N("finished"),
  "status.failed": N("failed"),
  "status.stopped": N("stopped"),

  "files.title": N("Files"),
  "files.list": N("Files in this folder"),
  "files.new": N("New file"),
  "files.new-folder": N("New folder"),
  "files.upload": N("Upload"),
  "files.up": N("↑ {name}"),
  "files.folder": N("folder"),
  "files.more": N("More for {name}"),
  "files.download": N("Download"),
  "files.rename": N("Rename"),
  "files.delete": N("Delete"),
  "files.space": N("{used} used, {free} free"),
  "files.empty": N("This folder is empty."),
  "files.start-here": N("No scripts yet. Begin with init.lua: the engine starts with it."),
  "files.create-first": N("Create init.lua"),
  "files.absent": N("File access (WebDAV) is switched off on this station."),
  "files.new-title": N("New file"),
  "files.new-folder-title": N("New folder"),
  "files.name": N("Name"),
  "files.create": N("Create"),
  "files.rename-title": N("Rename {name}"),
  "files.delete-title": N("Delete {name}?"),
  "files.delete-text": N("It cannot be brought back."),
  "files.delete-folder-text": N("Everything in it is deleted as well. It cannot be brought back."),
  "files.replace-title": N("Replace {name}?"),
  "files.replace-text": N("There is a file of this name already."),
  "files.replace": N("Replace"),
  "files.exists": N("{name} is there already"),
  "files.bad-name": N("a name cannot be empty or contain a slash"),
  "files.created": N("{name} was created"),
  "files.renamed": N("Renamed to {name}"),
  "files.deleted": N("{name} was deleted"),
  "files.uploaded": N("{name} was uploaded"),
  "files.not-text": N("{name} is not a text of at most {size}. Download it instead."),

  "editor.title": N("Editor"),
  "editor.nothing": N("Open a file of the list to edit it."),
  "editor.field": N("Text of {name}"),
  "editor.hint": N("Tab indents. To leave the text with the keyboard press Esc, then Tab. Ctrl+S saves."),
  "editor.save": N("Save"),
  "editor.save-reload": N("Save and reload"),
  "editor.close": N("Close"),
  "editor.changed": N("Not saved yet"),
  "editor.opening": N("Opening…"),
  "editor.saving": N("Saving…"),
  "editor.saved": N("Saved"),
  "editor.saved-reload": N("Saved. Reload the scripts to use it."),
  "editor.saved-auto": N("Saved. The scripts reload by themselves."),
  "editor.line": N("Line {line}"),
  "editor.discard-title": N("Discard your changes to {name}?"),
  "editor.discard-text": N("They have not been saved."),
  "editor.discard": N("Discard"),
  "editor.conflict":
    N("Not saved: somebody else has changed or deleted this file since you opened it. Your text is still here."),
  "editor.theirs": N("Load their version"),
  "editor.mine": N("Save mine over it"),
  "editor.newer": N("Somebody else has changed this file."),
  "editor.gone": N("This file is no longer there. Saving creates it again."),

  "output.title": N("Output"),
  "output.lines": N("Output of the scripts"),
  "output.follow": N("Follow"),
  "output.clear": N("Clear view"),
  "output.download": N("Download"),
  "output.none": N("Nothing has been printed yet. What scripts print appears here."),
  "output.off": N("The engine is off."),
  "output.lost": N("… {count} lines are not shown"),
  "output.error": N("Error in {place}"),

  "failure.silent": N("the station does not answer"),
  "failure.status": N("error {status}"),
  "failure.missing": N("it is not there"),
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
  return t(WORDS[key], values);
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
