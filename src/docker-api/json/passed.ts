/**
 * Bodies that go to an Engine as they are. It refuses most of what is wrong with one itself, in the words of its version; what it would fall over never
 * gets there: an element of null in a list that it reads through, and null for credentials (20.10 to 28 panic).
 */
import { goDecode, GoJsonError, goStruct } from '../../docker-json/index.ts';
import { ArpanetError } from '../../model/index.ts';
import type { PassedBody } from '../route.ts';
import { parseJson } from './body.ts';

export interface PassedProblem {
  readonly error: ArpanetError;
  /** No Engine must see it. */
  readonly isFatal: boolean;
}

/** What is wrong with the body; undefined: nothing, or it is empty, of which each version thinks otherwise. */
export function passedProblem({ struct, at }: PassedBody, body: Buffer, contentType: string | undefined): PassedProblem | undefined {
  if (at === 'endpoint') return isCredentials(body, struct);
  if (body.length === 0) return undefined;
  try {
    parseJson(body, contentType, goStruct(struct));
    return undefined;
  } catch (error) {
    if (!(error instanceof ArpanetError)) throw error;
    return { error, isFatal: error.message.includes('null is no element') };
  }
}

/** Engines look neither at their type nor behind them, and take all that is wrong with them for their own fault (500). Words of Go's encoding/json. */
function isCredentials(body: Buffer, struct: string): PassedProblem | undefined {
  const refused = (message: string): PassedProblem => ({ error: new ArpanetError('invalid', message), isFatal: true });
  const text = body.toString();
  if (text.trim() === '') return refused('EOF');
  if (/^\s*null\b/.test(text)) return refused('null is no credentials');
  try {
    goDecode(text, goStruct(struct));
    return undefined;
  } catch (error) {
    if (error instanceof GoJsonError) return refused(error.message);
    throw error;
  }
}
