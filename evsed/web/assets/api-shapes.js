// From JSON Schema to words and examples. Pure: knows no page.

const TYPE_WORDS = { integer: "whole number", number: "number", boolean: "true or false", string: "text" };

export function typesOf(schema) {
  return Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : [];
}

export function shapeInWords(schema) {
  const types = typesOf(schema).filter((type) => type !== "null");
  const words = schema.enum ? enumInWords(schema.enum) : typesInWords(types, schema);
  const parts = [words, rangeInWords(schema), lengthInWords(schema), schema["x-unit"]];
  if (typesOf(schema).includes("null")) parts.push("or null");
  return parts.filter(Boolean).join(" ");
}

function enumInWords(words) {
  return words.filter((word) => word !== null).map((word) => JSON.stringify(word)).join(" | ");
}

function typesInWords(types, schema) {
  if (types.includes("array")) {
    return schema.items.properties ? "list of objects" : `list of: ${shapeInWords(schema.items)}`;
  }
  if (types.includes("object")) return schema.anyOf ? "object, any of its keys" : "object";
  return types.map((type) => TYPE_WORDS[type] ?? type).join(" or ") || "anything";
}

function rangeInWords({ minimum, maximum }) {
  if (minimum === undefined && maximum === undefined) return "";
  if (maximum === undefined) return `from ${minimum}`;
  return minimum === undefined ? `up to ${maximum}` : `${minimum} … ${maximum}`;
}

function lengthInWords({ minLength, maxLength, minItems, maxItems }) {
  const [least, most] = maxItems === undefined ? [minLength ?? 0, maxLength] : [minItems ?? 0, maxItems];
  if (most === undefined) return "";
  const of = maxItems === undefined ? "characters" : "entries";
  return least === most ? `(${most} ${of})` : `(${least} … ${most} ${of})`;
}

// What stands below a value: its keys with their schemas, or nothing.
export function keysOf(schema) {
  const inner = schema.items?.properties ? schema.items : schema;
  const required = new Set(inner.required ?? []);
  return Object.entries(inner.properties ?? {}).map(([name, value]) => ({
    name,
    value,
    required: required.has(name),
  }));
}

export function example(schema) {
  if (schema.enum) return schema.enum[0];
  switch (typesOf(schema)[0]) {
    case "boolean":
      return true;
    case "integer":
    case "number":
      return Math.max(schema.minimum ?? 0, 0);
    case "array":
      return Array.from({ length: schema.minItems ?? 1 }, () => example(schema.items));
    case "object":
      return firstKeys(schema);
    default:
      return "";
  }
}

function firstKeys(schema) {
  const keys = Object.entries(schema.properties ?? {});
  const chosen = schema.required ? keys.filter(([name]) => schema.required.includes(name)) : keys.slice(0, 2);
  return Object.fromEntries(chosen.map(([name, value]) => [name, example(value)]));
}

export function curlFor(base, path, method, content) {
  const words = ["curl"];
  if (method !== "GET") words.push(`-X ${method}`);
  const [kind, media] = Object.entries(content ?? {})[0] ?? [];
  if (kind === "application/json") {
    words.push(`-H 'Content-Type: ${kind}'`, `-d '${JSON.stringify(example(media.schema))}'`);
  } else if (kind) {
    words.push(`-H 'Content-Type: ${kind}'`, "--data-binary @FILE");
  }
  return `${words.join(" ")} ${base}${path}`;
}
