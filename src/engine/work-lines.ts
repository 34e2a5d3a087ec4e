/** Long work of `/arpanet/v1`, as its answer tells it: lines of JSON, `{"progress": TEXT}` each, and last `{"result": …}` or `{"error": TEXT}`. */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { ArpanetError } from '../model/errors.ts';
import { lines } from './lines.ts';

interface WorkLine {
  readonly progress?: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly isUnavailable?: true;
}

/**
 * The result. Throws `conflict` with the leader's text where the work failed after it began, `unavailable` where its leadership ended, and what `cutOff`
 * makes where the lines end before the work does.
 */
export async function workResult(
  answer: IncomingMessage,
  progress: (line: string) => void,
  cutOff: (cause: unknown) => Error,
): Promise<unknown> {
  if (answer.headers['content-type']?.includes('ndjson') !== true) return JSON.parse(await text(answer)) as unknown;
  try {
    for await (const json of lines(answer)) {
      const line = JSON.parse(json) as WorkLine;
      if (line.progress !== undefined) progress(line.progress);
      else if (line.error !== undefined) throw new ArpanetError(line.isUnavailable === true ? 'unavailable' : 'conflict', line.error);
      else return line.result;
    }
  } catch (error) {
    if (error instanceof ArpanetError) throw error;
    throw cutOff(error);
  }
  throw cutOff(undefined);
}
