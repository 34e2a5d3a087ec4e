/** An error as a `done` message carries it. Pure. */
import { ArpanetError } from '../../model/errors.ts';
import type { AgentMessage } from '../../model/wire.ts';

type WireError = NonNullable<Extract<AgentMessage, { type: 'done' }>['error']>;

/** The message of an `unavailable` includes its cause: it is read on another machine, without this host's log. */
export function asWireError(error: unknown): WireError {
  if (!(error instanceof ArpanetError)) return { kind: 'unavailable', message: error instanceof Error ? error.message : String(error) };
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return {
    kind: error.kind,
    message: error.message + (error.kind === 'unavailable' ? cause : ''),
    ...(error.engineStatus !== undefined && { engineStatus: error.engineStatus }),
  };
}
