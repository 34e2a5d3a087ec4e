/** What every scheduler answers itself, leader or not: pings, and what it is. Effects: writes answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VERSION } from '../config/version.ts';
import { compareVersions } from '../text/api-version.ts';
import { ownHeaders } from './request-context.ts';

export function answerPing({ method }: Pick<IncomingMessage, 'method'>, res: ServerResponse, requestId: string, apiVersion: string): void {
  const headers = {
    ...ownHeaders(apiVersion, requestId),
    // As Engines say it since 23.0; older ones were silent.
    ...(compareVersions(apiVersion, '1.42') < 0 ? {} : { 'Builder-Version': '2', Swarm: 'active/manager' }),
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    'Content-Type': 'text/plain; charset=utf-8',
  };
  res.writeHead(200, { ...headers, 'Content-Length': method === 'HEAD' ? 0 : 2 });
  res.end(method === 'HEAD' ? undefined : 'OK');
}

export interface Health {
  readonly name: string;
  readonly role: 'leading' | 'following';
  /** Its URL. */
  readonly leader: string | undefined;
  /** Of one that leads. */
  readonly epoch?: number;
}

export function answerHealth(res: ServerResponse, requestId: string, health: Health): void {
  res.writeHead(200, { 'Content-Type': 'application/json', 'Arpanet-Request-Id': requestId });
  res.end(`${JSON.stringify({ ...health, version: VERSION })}\n`);
}
