/** Work of an Engine that answers 200 before it begins, and reports in a stream of JSON lines: pull, load. */
import { withDefaultTag } from '../text/image-reference.ts';
import { parseJson } from '../schemas/json.ts';
import { type Chunks, lines } from './lines.ts';

/** The path that pulls an image; without a tag or digest, `latest`. Source: Docker API v1.24 and later, `POST /images/create`. */
export const pullPath = (reference: string): string => `/images/create?fromImage=${encodeURIComponent(withDefaultTag(reference))}`;

/**
 * What the Engine says went wrong in such a stream; undefined: nothing did. Reads to its end; a line that is no JSON is passed over. Rejects with the
 * stream's error.
 * Source: moby pkg/jsonmessage, `JSONMessage.error`.
 */
export async function failureIn(chunks: Chunks): Promise<string | undefined> {
  let failure: string | undefined;
  for await (const line of lines(chunks)) failure = errorOf(line) ?? failure;
  return failure;
}

function errorOf(line: string): string | undefined {
  try {
    const message = parseJson(line);
    return typeof message === 'object' && message !== null && 'error' in message && typeof message.error === 'string'
      ? message.error
      : undefined;
  } catch {
    return undefined;
  }
}
