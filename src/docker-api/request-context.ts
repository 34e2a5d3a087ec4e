/** One request at the leader's endpoint, and the answers it can get. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VERSION } from '../config/version.ts';
import { isKind } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Cluster } from '../contracts/index.ts';
import { noteTarget } from '../security/index.ts';
import { redactedBody } from './access/redact.ts';
import type { Reads } from './reads/index.ts';
import type { Route } from './route.ts';

export interface Call {
  readonly req: IncomingMessage;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  /** With its `?`, as the client wrote it; empty if there is none. */
  readonly search: string;
  readonly query: URLSearchParams;
  /** The version to speak with Engines: the client's, or the newest that all hosts speak. */
  readonly apiVersion: string;
  /** The newest that all hosts speak: what every answer names, whatever the client's. */
  readonly newestVersion: string;
  readonly requestId: string;
  readonly nowMs: number;
  /** True when a follower sends again what it had sent to a leader that disconnected. */
  readonly isRetry: boolean;
  readonly cluster: Cluster;
  readonly reads: Reads;
  readonly log: Logger;
  readonly bodyLimitBytes: number;
  /** A reader of events that is further behind is cut off. */
  readonly eventsBehindBytes: number;
  /** The client may not see environments: answers are without. */
  readonly isRedacted?: boolean;
  /** The client sees a part of the cluster: Engines, which know of no parts, are not asked what they think of a request. */
  readonly isScoped?: boolean;
  /** Fires when the client disconnects or this scheduler stops leading. */
  readonly signal: AbortSignal;
}

/** A request with an ordinary answer. */
export interface Exchange extends Call {
  readonly res: ServerResponse;
}

/** The headers of every answer that arpanet makes. */
export function ownHeaders(apiVersion: string, requestId: string): Record<string, string> {
  return {
    'Api-Version': apiVersion,
    'Docker-Experimental': 'false',
    Ostype: 'linux',
    Server: `arpanet/${VERSION}`,
    'Arpanet-Request-Id': requestId,
  };
}

export interface SmallAnswer {
  readonly status: number;
  readonly body?: Buffer | string | undefined;
  readonly contentType?: string | undefined;
  readonly location?: string | undefined;
  /** What is missing from the answer, and why. */
  readonly warnings?: readonly string[] | undefined;
}

/** RFC 7234 §5.5, one for each text. */
export const warningHeader = (texts: readonly string[]): string[] => texts.map((text) => `199 arpanet ${JSON.stringify(text)}`);

/** Answers whole. 1xx, 204 and 304 have no body (RFC 9110 §6.4.1); what is empty has no type, as an Engine's. */
export function send(call: Exchange, answer: SmallAnswer): void {
  if (call.res.headersSent || call.res.destroyed) return;
  const { status } = answer;
  const body = call.isRedacted === true && status < 300 ? redactedBody(answer.body ?? '') : (answer.body ?? '');
  const isBodiless = status === 204 || status === 304;
  call.res.writeHead(status, {
    ...ownHeaders(call.newestVersion, call.requestId),
    ...(answer.warnings === undefined ? {} : { Warning: warningHeader(answer.warnings) }),
    ...(answer.location === undefined ? {} : { Location: answer.location }),
    ...(isBodiless || body.length === 0 ? {} : { 'Content-Type': answer.contentType ?? 'application/json' }),
    ...(isBodiless ? {} : { 'Content-Length': Buffer.byteLength(body) }),
  });
  if (isBodiless || call.req.method === 'HEAD') call.res.end();
  else call.res.end(body);
}

export function sendJson(call: Exchange, status: number, value: unknown): void {
  if (status === 201) noteTarget(call.req, { object: idOf(value) });
  send(call, { status, body: `${JSON.stringify(value)}\n` });
}

/** Of what was made, as Docker's answers name it. */
function idOf(made: unknown): string | undefined {
  const { Id, ID, Name } = (made ?? {}) as Readonly<Record<string, unknown>>;
  const given = Id ?? ID ?? Name;
  return typeof given === 'string' ? given : undefined;
}

/** A removal. Sent again after a failover, "there is no such thing" means that the first try did it, and only its answer was lost with the leader. */
export async function unlessDoneBefore(call: Exchange, remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!call.isRetry || !isKind(error, 'not-found')) throw error;
  }
}
