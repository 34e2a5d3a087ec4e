/** Requests by the fetch of a browser or of Node. Effects: HTTP requests. */
import type { Send } from './client.ts';

/**
 * `base`: `https://s1:2376`, or nothing in a page that a scheduler has served. A client certificate is what `init` has (Node: a `dispatcher` of undici), or the
 * browser's.
 */
export function fetchSend(base = '', init: RequestInit = {}): Send {
  return async ({ method, path, headers, body, signal, timeoutMs }) => {
    const limit = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
    const signals = [...(signal === undefined ? [] : [signal]), ...limit];
    const answer = await fetch(`${base.replace(/\/$/, '')}${path}`, {
      ...init,
      method,
      headers,
      ...(body !== undefined && { body }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    });
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
