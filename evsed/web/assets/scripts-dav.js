// Files of the scripts over WebDAV. Paths are those that scripts see: /usr/lua/init.lua.

import { say } from "./scripts-words.js";

const ROOT = "/dav";
const TIMEOUT_MS = 20000;
const DAV = "DAV:";
const QUESTION =
  '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getetag/>' +
  "<getlastmodified/><quota-used-bytes/><quota-available-bytes/></prop></propfind>";

export class FileError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  get conflict() {
    return this.status === 412;
  }
}

const addressOf = (path) => ROOT + path.split("/").map(encodeURIComponent).join("/");

export const downloadAddress = addressOf;

async function request(method, path, { headers = {}, body } = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const options = { method, headers, body, cache: "no-store", signal: abort.signal };
    const answer = await fetch(addressOf(path), options);
    if (!answer.ok) {
      throw new FileError(await reasonOf(answer), answer.status);
    }
    const bytes = await answer.arrayBuffer();
    return { bytes, etag: answer.headers.get("ETag") };
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(say("failure.silent"), 0);
  } finally {
    clearTimeout(timer);
  }
}

// Refusals come as a line of text, or as XML that only programs understand.
async function reasonOf(answer) {
  const text = (await answer.text()).trim();
  if (answer.status === 404) return say("failure.missing");
  return text && !text.startsWith("<") ? text : say("failure.status", { status: answer.status });
}

// Returns what is in a folder (its path ends in a slash), and how much room there is.
export async function list(folder) {
  const headers = { Depth: "1", "Content-Type": "application/xml; charset=utf-8" };
  const { bytes } = await request("PROPFIND", folder, { headers, body: QUESTION });
  const text = new TextDecoder().decode(bytes);
  const found = new DOMParser().parseFromString(text, "application/xml");
  const entries = [...found.getElementsByTagNameNS(DAV, "response")].map(entryOf);
  const itself = entries.find(({ path }) => path === folder);
  return {
    entries: entries.filter((entry) => entry !== itself).sort(foldersFirst),
    used: itself?.used ?? null,
    free: itself?.free ?? null,
  };
}

function entryOf(response) {
  const text = (name) => response.getElementsByTagNameNS(DAV, name)[0]?.textContent ?? "";
  const number = (name) => (text(name) === "" ? null : Number(text(name)));
  const path = decodeURIComponent(text("href").slice(ROOT.length));
  return {
    path,
    name: path.split("/").filter(Boolean).pop() ?? "",
    folder: response.getElementsByTagNameNS(DAV, "collection").length > 0,
    size: number("getcontentlength"),
    etag: text("getetag"),
    modified: new Date(text("getlastmodified")),
    used: number("quota-used-bytes"),
    free: number("quota-available-bytes"),
  };
}

function foldersFirst(one, other) {
  return Number(other.folder) - Number(one.folder) || one.name.localeCompare(other.name);
}

export function read(path) {
  return request("GET", path);
}

// Writes if the file is still as it was: etag null for a new file, undefined to write in any case.
export async function write(path, body, etag) {
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  if (etag === null) headers["If-None-Match"] = "*";
  else if (etag !== undefined) headers["If-Match"] = etag;
  return (await request("PUT", path, { headers, body })).etag;
}

export async function move(from, to) {
  const headers = { Destination: addressOf(to), Overwrite: "F" };
  await request("MOVE", from, { headers });
}

export async function remove(path) {
  await request("DELETE", path);
}

export async function makeFolder(path) {
  await request("MKCOL", path);
}
