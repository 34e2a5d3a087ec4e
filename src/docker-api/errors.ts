/** Refusals of Docker's API: every one leaves as Docker's `{"message": …}`, with the status of its kind. */
import type { ServerResponse } from 'node:http';
import { ArpanetError, isKind, mayRetry, statusOf } from '../model/index.ts';
import { countFault } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/** An error in this program, not a refusal: the client gets its request's id, the log everything. */
export function answerTo(error: unknown, requestId: string): ErrorAnswer {
  if (!(error instanceof ArpanetError)) {
    return { status: 500, message: `arpanet failed on this request; its log tells more under request id ${requestId}` };
  }
  const answer = { status: statusOf(error), message: error.message };
  return mayRetry(error) ? { ...answer, retryAfterSeconds: 1 } : answer;
}

export function errorHeaders(answer: ErrorAnswer): Record<string, string> {
  return answer.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(answer.retryAfterSeconds) };
}

export const errorBody = (message: string): string => `${JSON.stringify({ message })}\n`;

/** Logs and counts what is an error in this program; false: it is a refusal. */
export function noteUnexpected(error: unknown, requestId: string, log: Logger): boolean {
  if (error instanceof ArpanetError) return false;
  countFault('a request');
  log.error({ err: error, requestId }, 'a request failed unexpectedly');
  return true;
}

/** Answers with the error if nothing was answered yet; cuts the connection short if something was, so that no client takes a part for the whole. */
export function sendError(res: ServerResponse, error: unknown, own: Readonly<Record<string, string>>, log: Logger): void {
  if (res.destroyed || res.writableFinished) return;
  const requestId = own['Arpanet-Request-Id'] ?? '';
  const answer = answerTo(error, requestId);
  // Where a client's mistake was found tells nothing, and a stack costs more than the answer.
  const detail = answer.status < 500 ? { why: answer.message } : { err: error };
  if (!noteUnexpected(error, requestId, log)) log.debug({ ...detail, requestId, status: answer.status }, 'a request was refused');
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

/** Where an Engine has no page it does not introduce itself. */
export const isNoPage = (error: unknown): boolean => isKind(error, 'not-found') && error.message === 'page not found';
