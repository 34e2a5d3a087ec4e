/** Requests by the fetch of a browser or of Node. Effects: HTTP requests. */
import type { Send } from './client.ts';

/**
 * `base`: `https://s1:2376`, or nothing in a page that a scheduler has served. A client certificate is what `init` has (Node: a `dispatcher` of undici), or the
 * browser's.
 */
export function fetchSend(base = '', init: RequestInit = {}): Send {
  return async ({ method, path, headers, body, signal, timeoutMs, isStream }) => {
    // of a stream only its head has to come in time
    const late = new AbortController();
    const isHead = isStream && timeoutMs !== undefined;
    const timer = isHead ? setTimeout(() => late.abort(new DOMException('no answer in time', 'TimeoutError')), timeoutMs) : undefined;
    const limit = timeoutMs === undefined ? [] : [isHead ? late.signal : AbortSignal.timeout(timeoutMs)];
    const signals = [...(signal === undefined ? [] : [signal]), ...limit];
    const all = new Headers(init.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const answer = await fetch(`${base.replace(/\/$/, '')}${path}`, {
      ...init,
      method,
      headers: all,
      ...(body !== undefined && { body }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    }).finally(() => clearTimeout(timer));
    return {
      status: answer.status,
      header: (name) => answer.headers.get(name) ?? undefined,
      text: () => answer.text(),
      chunks: () => chunksOf(answer.body),
    };
  };
}

/** Not all browsers can iterate over a stream. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // who has enough of it ends the answer
    await reader.cancel().catch(() => undefined);
  }
}
