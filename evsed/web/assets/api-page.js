// The page behind api.html: shows the OpenAPI document of this station, without any library.

import { curlFor, keysOf, shapeInWords } from "./api-shapes.js";

const METHODS = ["get", "put", "post", "delete"];
const ENDLESS = "text/event-stream";
const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(made.dataset, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function keysList(schema) {
  const keys = keysOf(schema);
  if (!keys.length) return null;
  return element("dl", { className: "keys" }, ...keys.map(keyRow));
}

function keyRow({ name, value, required }) {
  const must = required ? element("span", { className: "must", textContent: "required" }) : null;
  return element(
    "div",
    {},
    element(
      "dt",
      {},
      element("code", { textContent: name }),
      element("span", { className: "shape", textContent: shapeInWords(value) }),
      must,
    ),
    element("dd", { textContent: meaning(value) }, keysList(value) ?? ""),
  );
}

// The unit is shown with the range already.
function meaning(schema) {
  return (schema.description ?? "").replace(/ ?\(in [^)]+\)$/, "");
}

function part(title, ...content) {
  return element("div", {}, element("h3", { textContent: title }), ...content);
}

function contentPart(title, content) {
  return Object.entries(content)
    .slice(0, 1)
    .map(([kind, { schema }]) => {
      const words = `${kind}: ${shapeInWords(schema)}`;
      const text = [words, meaning(schema)].filter(Boolean).join("; ");
      return part(title, element("p", { className: "shape", textContent: text }), keysList(schema));
    });
}

function headersPart(headers) {
  const keys = Object.entries(headers ?? {}).map(([name, { schema }]) => ({ name, value: schema }));
  if (!keys.length) return null;
  return part("Headers of the answer", element("dl", { className: "keys" }, ...keys.map(keyRow)));
}

function parametersPart(parameters) {
  if (!parameters.length) return null;
  const keys = parameters.map(({ name, schema, description, required }) => ({
    name,
    value: { ...schema, description },
    required,
  }));
  return part("Parameters", element("dl", { className: "keys" }, ...keys.map(keyRow)));
}

function failuresPart(responses, described) {
  const rows = Object.keys(responses)
    .filter((code) => code !== "200")
    .map((code) =>
      element(
        "div",
        {},
        element("dt", {}, element("code", { textContent: code })),
        element("dd", { textContent: described[code]?.description ?? "" }),
      ),
    );
  return part("Failures", element("dl", { className: "keys" }, ...rows));
}

function askPart(method, address, responses) {
  const kinds = Object.keys(responses["200"].content);
  if (method !== "get" || address.includes("{") || kinds.includes(ENDLESS)) return null;
  const shown = element("pre", { hidden: true });
  const button = element("button", { type: "button", className: "ask", textContent: "Ask now" });
  button.addEventListener("click", () => ask(address, shown));
  return element("div", { className: "inside-ask" }, button, shown);
}

async function ask(address, shown) {
  shown.hidden = false;
  try {
    const answer = await fetch(address);
    const text = await answer.text();
    shown.textContent = `${answer.status}\n${inLines(text)}`;
  } catch {
    shown.textContent = "The station does not answer.";
  }
}

function inLines(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function operationPart(api, path, method, operation) {
  const base = api.servers[0].url;
  const content = operation.requestBody?.content;
  const parameters = [...(api.paths[path].parameters ?? []), ...(operation.parameters ?? [])];
  const success = operation.responses["200"];
  const details = element("details", { className: "operation", id: operation.operationId });
  const ours = operation["x-extension"]
    ? element("span", { className: "ours", textContent: "extension" })
    : null;
  details.append(
    element(
      "summary",
      {},
      element("span", {
        className: "method",
        textContent: method.toUpperCase(),
        data: { method: method.toUpperCase() },
      }),
      element("span", { className: "path", textContent: path }),
      element("span", { className: "summary-text", textContent: operation.summary }),
      ours,
    ),
  );
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const inside = element("div", { className: "inside" });
    const parts = [
      operation.description ? element("p", { textContent: operation.description }) : null,
      parametersPart(parameters),
      ...(content ? contentPart("Body", content) : []),
      ...contentPart("Answer", success.content),
      headersPart(success.headers),
      failuresPart(operation.responses, api.components.responses),
      part("Example", element("pre", { textContent: curlFor(location.origin + base, path, method.toUpperCase(), content) })),
      askPart(method, base + path, operation.responses),
    ];
    inside.append(...parts.filter(Boolean));
    details.append(inside);
  });
  return { details, words: `${method} ${path} ${operation.summary}`.toLowerCase() };
}

function operationsOf(api) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      tag: item[method].tags[0],
      ...operationPart(api, path, method, item[method]),
    })),
  );
}

function show(api) {
  document.title = byId("title").textContent = `REST API ${api.info.version}`;
  byId("about").textContent = api.info.description;
  const operations = operationsOf(api);
  const groups = api.tags.map(({ name, description }) => {
    const members = operations.filter(({ tag }) => tag === name);
    const section = element(
      "section",
      { className: "group" },
      element("h2", { textContent: description }),
      ...members.map(({ details }) => details),
    );
    return { section, members };
  });
  byId("operations").append(...groups.map(({ section }) => section));
  byId("wanted").addEventListener("input", () => filter(groups, byId("wanted").value));
  filter(groups, "");
  openLinked();
}

function filter(groups, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { section, members } of groups) {
    for (const { details, words: text } of members) {
      details.hidden = !words.every((word) => text.includes(word));
    }
    const visible = members.filter(({ details }) => !details.hidden).length;
    section.hidden = !visible;
    found += visible;
  }
  byId("found").textContent = found === 1 ? "1 operation" : `${found} operations`;
}

function openLinked() {
  const linked = location.hash.length > 1 && byId(location.hash.slice(1));
  if (linked instanceof HTMLDetailsElement) {
    linked.open = true;
    linked.scrollIntoView();
  }
}

async function start() {
  try {
    const answer = await fetch("/api/v1/openapi.json");
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    show(await answer.json());
  } catch (error) {
    byId("problem").hidden = false;
    byId("problem").textContent = `The description could not be loaded (${error.message}).`;
  }
}

start();
