// Asks the server, and tells what went wrong in words that a person can act on.

/** A request that was refused, or that no answer came to. */
export class Refused extends Error {
  /** The HTTP status; 0 where nothing answered. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }

  /** Whether the session is over or was never there. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

/** Only a page of this origin can send it: the server takes no request in a session without. */
const HEADERS = { "X-Whence-Dashboard": "1" };

/** Sends a request and reads its JSON answer; nothing where the answer has no content. */
export async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const request: RequestInit = { method, headers: HEADERS, credentials: "same-origin" };
  if (signal) request.signal = signal;
  if (body !== undefined) {
    request.headers = { ...HEADERS, "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer. Is it running, and are you online?");
  }
  if (answer.status === 204) return undefined as T;
  if (answer.ok) return (await answer.json()) as T;
  throw new Refused(answer.status, await reason(answer));
}

async function reason(answer: Response): Promise<string> {
  try {
    const { detail } = (await answer.json()) as { detail?: unknown };
    if (typeof detail === "string" && detail) return detail;
  } catch {
    // A proxy in between answers in pages of its own.
  }
  return `The server answered ${answer.status} ${answer.statusText}.`;
}
