// Requests to the station. Every failure is an ApiError with a sentence that can be shown.

const ROOT = "api/v1";
const TIMEOUT_MS = 6000;

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function request(path, options) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const answer = await fetch(`${ROOT}/${path}`, { ...options, signal: abort.signal });
    if (!answer.ok) {
      throw new ApiError((await answer.text()).trim() || `error ${answer.status}`, answer.status);
    }
    return options.method === "POST" ? await answer.text() : await answer.json();
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError("the station does not answer", 0);
  } finally {
    clearTimeout(timer);
  }
}

export function get(path) {
  return request(path, { method: "GET", cache: "no-store" });
}

export function post(path, value) {
  if (value === undefined) {
    return request(path, { method: "POST" });
  }
  const headers = { "Content-Type": "application/json" };
  return request(path, { method: "POST", headers, body: JSON.stringify(value) });
}
