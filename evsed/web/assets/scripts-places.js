// Places in scripts that messages name, as links: /usr/lua/guard.lua:12

const PLACE = /(\/usr\/[^\s:"'<>]+):(\d+)/g;

export const hashOf = (path, line) => `#${encodeURI(path)}${line ? `:${line}` : ""}`;

// Returns {path, line} of an address as hashOf makes them, or null.
export function placeOf(hash) {
  try {
    const found = /^#(\/usr\/.+?)(?::(\d+))?$/.exec(decodeURI(hash));
    return found && { path: found[1], line: Number(found[2] ?? 0) };
  } catch {
    return null;
  }
}

// Returns the text as nodes, with a link at each place.
export function linked(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(PLACE)) {
    nodes.push(text.slice(done, found.index));
    const link = document.createElement("a");
    link.href = hashOf(found[1], found[2]);
    link.textContent = found[0];
    nodes.push(link);
    done = found.index + found[0].length;
  }
  return [...nodes, text.slice(done)];
}

export const namesPlace = (text) => text.search(PLACE) >= 0;
