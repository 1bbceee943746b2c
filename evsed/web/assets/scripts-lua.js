// Splits Lua into pieces that can be colored. Source: Lua 5.4 manual, section 3.1.

const KEYWORDS = new Set(
  ("and break do else elseif end false for function goto if in local nil not or repeat return " +
    "then true until while").split(" "),
);
const KNOWN = new Set(
  ("component evse energymeter boardconfig aux serial json mqtt print require pairs ipairs next " +
    "select type tostring tonumber error assert pcall xpcall setmetatable getmetatable rawget " +
    "rawset rawequal rawlen string table math coroutine os io utf8").split(" "),
);
const PIECE = new RegExp(
  [
    String.raw`(?<comment>--\[(?<level>=*)\[[^]*?(?:\]\k<level>\]|$)|--[^\n]*)`,
    String.raw`(?<string>\[(?<depth>=*)\[[^]*?(?:\]\k<depth>\]|$)` +
      String.raw`|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?)`,
    String.raw`(?<number>0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|\.?\d[\d.]*(?:[eE][+-]?\d+)?)`,
    String.raw`(?<name>[A-Za-z_]\w*)`,
    String.raw`[^\w"'\-\[.]+|[^]`,
  ].join("|"),
  "gy",
);

function kindOf({ comment, string, number, name }) {
  if (comment !== undefined) return "comment";
  if (string !== undefined) return "string";
  if (number !== undefined) return "number";
  if (KEYWORDS.has(name)) return "keyword";
  return KNOWN.has(name) ? "known" : null;
}

// Yields [kind, text] for all of the text, in order; kind is null for what has no color.
function* pieces(text) {
  PIECE.lastIndex = 0;
  for (let found = PIECE.exec(text); found !== null; found = PIECE.exec(text)) {
    const lastIndex = PIECE.lastIndex; // the expression is shared: others may use it meanwhile
    yield [kindOf(found.groups), found[0]];
    PIECE.lastIndex = lastIndex;
  }
}

function* plain(text) {
  yield [null, text];
}

// Returns lines first to last (from 0, last excluded), each as an array of [kind, text].
export function coloredLines(text, first, last, lua = true) {
  const lines = [];
  let number = 0;
  for (const [kind, piece] of (lua ? pieces : plain)(text)) {
    for (const [index, part] of piece.split("\n").entries()) {
      if (index > 0) number += 1;
      if (number >= last) return lines;
      if (number < first) continue;
      if (!lines[number - first]) lines[number - first] = [];
      if (part) lines[number - first].push([kind, part]);
    }
  }
  return lines;
}
