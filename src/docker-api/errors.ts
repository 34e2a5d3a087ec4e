/**
 * Kinds of error to HTTP statuses: the only place that knows them. Every refusal leaves as Docker's `{"message": …}`.
 *
 * Where a kind has no twin in the Engine: `unplaceable` is 409 (hosts exist, none fits this request: sending it again changes nothing), while
 * `unavailable` and `not-leader` are 503 with `Retry-After` (the same request may well succeed in a second).
 */
import type { ServerResponse } from 'node:http';
import { ArpanetError, type ErrorKind } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  unplaceable: 409,
  'too-large': 413,
  unsupported: 501,
  exhausted: 503,
  unavailable: 503,
  'not-leader': 503,
  timeout: 504,
  engine: 502,
};

export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** An error in this program, not a refusal: the client gets its request's id, the log everything. */
  readonly isUnexpected: boolean;
}

export function answerTo(error: unknown, requestId: string): ErrorAnswer {
  if (!(error instanceof ArpanetError)) {
    return { status: 500, message: `arpanet failed on this request; its log tells more under request id ${requestId}`, isUnexpected: true };
  }
  const status = error.kind === 'engine' ? (error.engineStatus ?? STATUS.engine) : STATUS[error.kind];
  const answer = { status, message: error.message, isUnexpected: false };
  return error.kind === 'unavailable' || error.kind === 'not-leader' ? { ...answer, retryAfterSeconds: 1 } : answer;
}

export function errorHeaders(answer: ErrorAnswer): Record<string, string> {
  return answer.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(answer.retryAfterSeconds) };
}

export const errorBody = (message: string): string => `${JSON.stringify({ message })}\n`;

/** Answers with the error if nothing was answered yet; cuts the connection short if something was, so that no client takes a part for the whole. */
export function sendError(res: ServerResponse, error: unknown, own: Readonly<Record<string, string>>, log: Logger): void {
  if (res.destroyed || res.writableFinished) return;
  const requestId = own['Arpanet-Request-Id'] ?? '';
  const answer = answerTo(error, requestId);
  if (answer.isUnexpected) log.error({ err: error, requestId }, 'a request failed unexpectedly');
  else log.debug({ err: error, requestId, status: answer.status }, 'a request was refused');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const body = errorBody(answer.message);
  res.writeHead(answer.status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...own,
    ...errorHeaders(answer),
  });
  res.end(body);
}
