/** What an agent answers a call with instead of a result, as an error. Pure. */
import { ArpanetError, type ErrorKind } from '../../model/index.ts';

const KINDS: ReadonlySet<string> = new Set<ErrorKind>([
  'invalid',
  'not-found',
  'conflict',
  'forbidden',
  'exhausted',
  'unavailable',
  'timeout',
  'too-large',
  'unsupported',
  'engine',
]);

export function agentError(error: { readonly kind: string; readonly message: string; readonly engineStatus?: number }): ArpanetError {
  const kind = KINDS.has(error.kind) ? (error.kind as ErrorKind) : 'unavailable';
  return new ArpanetError(kind, error.message, error.engineStatus === undefined ? {} : { engineStatus: error.engineStatus });
}
