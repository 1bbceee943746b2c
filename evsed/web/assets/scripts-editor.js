// A text field with line numbers and colors: the field lies above its colored text and is clear.

import { coloredLines } from "./scripts-lua.js";
import { make } from "./scripts-elements.js";

const AROUND = 8; // lines that are painted above and below what can be seen
const INDENT = "  ";

export class Editor {
  // parts: area (textarea), colors (pre), numbers (pre), mark; changed() is called on every change
  constructor(parts, changed) {
    Object.assign(this, parts);
    this.lua = true;
    this.marked = 0;
    this.leaving = false;
    this.painting = 0;
    this.changed = changed;
    this.area.addEventListener("input", () => this.onInput());
    this.area.addEventListener("scroll", () => this.paintSoon());
    this.area.addEventListener("keydown", (event) => this.onKey(event));
    this.area.addEventListener("blur", () => (this.leaving = false));
    new ResizeObserver(() => this.paintSoon()).observe(this.area);
  }

  get text() {
    return this.area.value;
  }

  show(text, { lua }) {
    this.lua = lua;
    this.marked = 0;
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.area.scrollTo(0, 0);
    this.paintSoon();
  }

  // Goes to a line (from 1), brings it into the middle and marks it until the text changes.
  jump(line) {
    const lines = this.text.split("\n");
    this.marked = Math.min(Math.max(line, 1), lines.length);
    const before = lines.slice(0, this.marked - 1).join("\n").length;
    const start = this.marked > 1 ? before + 1 : 0;
    this.area.focus({ preventScroll: true });
    const indented = start + lines[this.marked - 1].match(/^\s*/)[0].length;
    this.area.setSelectionRange(indented, indented);
    const height = this.lineHeight();
    const middle = (this.marked - 0.5) * height - this.area.clientHeight / 2;
    this.area.scrollTo(0, Math.max(0, middle));
    this.paintSoon();
  }

  lineHeight() {
    return parseFloat(getComputedStyle(this.area).lineHeight);
  }

  onInput() {
    this.marked = 0;
    this.changed();
    this.paintSoon();
  }

  paintSoon() {
    cancelAnimationFrame(this.painting);
    this.painting = requestAnimationFrame(() => this.paint());
  }

  // Paints what can be seen: a long text is as quick as a short one.
  paint() {
    const { scrollTop, scrollLeft, clientHeight } = this.area;
    const height = this.lineHeight();
    const count = this.text.split("\n").length;
    const first = Math.max(0, Math.floor(scrollTop / height) - AROUND);
    const last = Math.min(count, Math.ceil((scrollTop + clientHeight) / height) + AROUND);
    const lines = coloredLines(this.text, first, last, this.lua);
    this.colors.replaceChildren(...lines.flatMap(lineNodes));
    const numbers = Array.from({ length: last - first }, (_, index) => first + index + 1);
    this.numbers.textContent = numbers.join("\n");
    this.numbers.parentElement.style.width = `${Math.max(2, String(count).length) + 1.5}ch`;
    const top = first * height - scrollTop;
    this.colors.style.transform = `translate(${-scrollLeft}px, ${top}px)`;
    this.numbers.style.transform = `translateY(${top}px)`;
    this.mark.hidden = this.marked === 0;
    this.mark.style.transform = `translateY(${(this.marked - 1) * height - scrollTop}px)`;
  }

  onKey(event) {
    if (event.key === "Escape") {
      this.leaving = true; // the next Tab moves on, as everywhere else
    } else if (event.key === "Tab" && !this.leaving && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (event.shiftKey) this.outdent();
      else this.insert(INDENT);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.insert(`\n${this.currentLine().match(/^[ \t]*/)[0]}`);
    }
  }

  currentLine() {
    const { selectionStart } = this.area;
    const start = this.text.lastIndexOf("\n", selectionStart - 1) + 1;
    return this.text.slice(start, selectionStart);
  }

  outdent() {
    const { selectionStart, selectionEnd } = this.area;
    const start = this.text.lastIndexOf("\n", selectionStart - 1) + 1;
    const extra = this.text.slice(start).match(/^(\t| {0,2})/)[0].length;
    if (!extra) return;
    this.area.setSelectionRange(start, start + extra);
    this.insert("");
    const moved = (place) => Math.max(start, place - extra);
    this.area.setSelectionRange(moved(selectionStart), moved(selectionEnd));
  }

  // As if it had been typed, so that it can be undone; browsers without this command just insert it.
  insert(text) {
    const command = text === "" ? "delete" : "insertText";
    if (!document.execCommand(command, false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.onInput();
    }
  }
}

function lineNodes(pieces) {
  const nodes = (pieces ?? []).map(([kind, textContent]) =>
    kind ? make("span", { className: `lua-${kind}`, textContent }) : textContent,
  );
  return [...nodes, "\n"];
}
