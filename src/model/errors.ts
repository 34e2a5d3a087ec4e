/**
 * What went wrong, said by kind, and the HTTP status of each kind, which the two doors (docker-api, operator-api) answer with.
 * `engine` carries an Engine's own refusal, whose status and message pass through unchanged.
 */
export type ErrorKind =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'stale'
  | 'forbidden'
  | 'unauthorized'
  | 'exhausted'
  | 'unplaceable'
  | 'unavailable'
  | 'timeout'
  | 'not-leader'
  | 'too-large'
  | 'too-many'
  | 'too-slow'
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

/**
 * Where a kind has no twin in the Engine: `unplaceable` is 409 (hosts exist, none fits this request: sending it again changes nothing), while
 * `unavailable` and `not-leader` are 503 and may be tried again (the same request may well succeed in a second).
 */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  stale: 412,
  unplaceable: 409,
  'too-large': 413,
  'too-many': 429,
  'too-slow': 408,
  unsupported: 501,
  exhausted: 503,
  unavailable: 503,
  'not-leader': 503,
  timeout: 504,
  engine: 502,
};

/** The HTTP status of a refusal: its kind's, or the Engine's own, 304 included; 502 for one that no refusal can have (RFC 9110 §15). */
export function statusOf({ kind, engineStatus }: ArpanetError): number {
  const isRefusal = engineStatus !== undefined && Number.isInteger(engineStatus) && engineStatus >= 300 && engineStatus <= 599;
  return kind === 'engine' && isRefusal ? engineStatus : STATUS[kind];
}

/** Whether the same request may succeed in a second: the answer then has `Retry-After`. */
export const mayRetry = ({ kind }: ArpanetError): boolean => kind === 'unavailable' || kind === 'not-leader' || kind === 'too-many';
