/**
 * What went wrong, said by kind. Only `docker-api/errors.ts` knows which HTTP status a kind has.
 * `engine` carries an Engine's own refusal, whose status and message pass through unchanged.
 */
export type ErrorKind =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'forbidden'
  | 'unauthorized'
  | 'exhausted'
  | 'unplaceable'
  | 'unavailable'
  | 'timeout'
  | 'not-leader'
  | 'too-large'
  | 'unsupported'
  | 'engine';

export interface ErrorOptions {
  readonly cause?: unknown;
  /** The Engine's HTTP status, with kind `engine`. */
  readonly engineStatus?: number;
}

/** The one error class of arpanet. Its message never repeats its cause's. */
export class ArpanetError extends Error {
  readonly kind: ErrorKind;
  readonly engineStatus: number | undefined;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ArpanetError';
    this.kind = kind;
    this.engineStatus = options.engineStatus;
  }
}

/** Narrows an unknown to an ArpanetError of one of the kinds named. */
export function isKind(error: unknown, ...kinds: readonly ErrorKind[]): error is ArpanetError {
  return error instanceof ArpanetError && kinds.includes(error.kind);
}
