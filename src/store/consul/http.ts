/**
 * Effects: calls to Consul's HTTP API (/v1, Consul 1.8 and later), over kept-alive connections.
 *
 * They use the request hook of the npm package `consul`, below its methods, because those hide the status and body of a refused transaction
 * (409), `X-Consul-Index`, and `NodeChecks` of a session.
 */
import { EventEmitter } from 'node:events';
import { Agent, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import Consul from 'consul';
import { ArpanetError } from '../../model/index.ts';
import { type HostPort, parseHostPort } from '../../text/host-port.ts';
import { deniedOperation, rightFor } from './rights.ts';

/** For every call except blocking queries. */
const TIMEOUT_MS = 5000;
/** How long Consul holds a blocking query without a change. */
const WAIT_MS = 30_000;

/** What is left of the slowest answer with each that was faster. */
const FORGOTTEN = 0.9;

export interface Call {
  readonly method: 'GET' | 'PUT';
  /** Below `/v1`; its parts are URL-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Makes it a blocking query: answered when the index is higher than this one, or after WAIT_MS. */
  readonly after?: number;
  /** Statuses, besides 2xx, that are answers and not errors. */
  readonly also?: readonly number[];
}

export interface Answer {
  readonly status: number;
  /** Undefined when empty; text when not JSON. */
  readonly body: unknown;
  /** `X-Consul-Index`; 0 if there is none. */
  readonly index: number;
}

export interface ConsulHttp {
  readonly address: string;
  /** Throws `unavailable` (no answer, 429, 5xx), `forbidden` (403), `too-large` (413), `invalid` (other 4xx); the signal's reason if it aborts. */
  call(call: Call): Promise<Answer>;
  /** Why Consul cannot be used now, in one line: it did not answer the last call, answered with an error, or refuses calls of some kind. */
  trouble(): string | undefined;
  /** As in contract.ts. */
  answerMs(): number;
  close(): void;
}

interface Request {
  readonly err?: Error;
  readonly res?: IncomingMessage & { readonly body?: unknown };
}
type Next = (stop: false, error: Error | undefined, value?: unknown) => void;
/** The hook of papi, which the package uses; its types leave it out. */
interface Requester {
  _request(options: object, respond: (request: Request, next: Next) => void): Promise<unknown>;
}

/** How Consul is asked. */
export interface ConsulAccess {
  readonly token?: string | undefined;
  /** In PEM form; absent: plain HTTP. */
  readonly tls?: ConsulTls | undefined;
}

/** `ca`: whose certificates Consul may show; absent: those that this machine trusts. `cert` and `key`: what is shown to it. */
export interface ConsulTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export function createConsulHttp(address: string, { token, tls }: ConsulAccess): ConsulHttp {
  const { host, port } = parseAddress(address);
  const agent = tls === undefined ? new Agent({ keepAlive: true }) : new TlsAgent({ ...tls, keepAlive: true });
  const requester = new Consul({ host, port, agent, secure: tls !== undefined }) as unknown as Requester;
  const headers = token === undefined ? {} : { 'x-consul-token': token };
  const trouble = createTrouble();
  let slowestMs = 0;

  async function send({ method, path, query, body, signal, after }: Call): Promise<NonNullable<Request['res']>> {
    signal?.throwIfAborted();
    const ctx = new EventEmitter();
    const cancel = () => {
      ctx.emit('cancel');
    };
    signal?.addEventListener('abort', cancel, { once: true });
    const blocking = after === undefined ? {} : { index: String(after), wait: `${WAIT_MS}ms` };
    const options = {
      method,
      path,
      headers,
      query: { ...query, ...blocking },
      ctx,
      // Consul adds up to a sixteenth to the wait of a blocking query.
      timeout: after === undefined ? TIMEOUT_MS : WAIT_MS + WAIT_MS / 16 + TIMEOUT_MS,
      ...(body === undefined ? {} : { type: 'json', body }),
    };
    const askedMs = performance.now();
    try {
      // oxlint-disable-next-line no-underscore-dangle -- the hook has no other name
      const res = await requester._request(options, (request, next) =>
        next(false, request.res === undefined ? request.err : undefined, request.res),
      );
      // a blocking query takes as long as nothing happens
      if (after === undefined) slowestMs = Math.max(performance.now() - askedMs, slowestMs * FORGOTTEN);
      return res as NonNullable<Request['res']>;
    } catch (cause) {
      signal?.throwIfAborted();
      const why = cause instanceof Error ? `: ${whyOf(lastOf(cause), tls !== undefined)}` : '';
      const error = new ArpanetError('unavailable', `the state store is unreachable: Consul at ${address} does not answer${why}`, {
        cause,
      });
      trouble.failing(error.message);
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  function refusal(call: Call, status: number, reason: string): ArpanetError {
    const { method, path } = call;
    const what = `Consul at ${address} answered ${status} to ${method} ${path.replace(/[?].*/, '')}`;
    const said = reason === '' ? what : `${what}: ${reason}`;
    if (status === 403) return new ArpanetError('forbidden', denied(said, rightFor(call), token, reason));
    if (status === 413) return new ArpanetError('too-large', said);
    if (status >= 500 || status === 429) return new ArpanetError('unavailable', `the state store reports an error: ${said}`);
    return new ArpanetError('invalid', said);
  }

  return {
    address,
    async call(call) {
      const res = await send(call);
      const status = res.statusCode ?? 0;
      const body: unknown = Buffer.isBuffer(res.body) ? res.body.toString() : res.body;
      const operation = status === 409 ? deniedOperation(body) : undefined;
      if (operation !== undefined) {
        const said = `Consul at ${address} answered 409 to ${call.method} ${call.path}: Permission denied`;
        const error = new ArpanetError('forbidden', denied(said, rightFor(call, operation), token, 'Permission denied'));
        trouble.refused(call, error.message);
        throw error;
      }
      if (status < 300 || call.also?.includes(status) === true) {
        trouble.answered(call);
        return { status, body, index: Number(res.headers['x-consul-index'] ?? 0) };
      }
      const error = refusal(call, status, typeof body === 'string' ? body.trim().slice(0, MAX_REASON) : '');
      if (error.kind === 'unavailable') trouble.failing(error.message);
      else trouble.refused(call, error.message);
      throw error;
    },
    trouble: trouble.now,
    answerMs: () => slowestMs,
    close: () => agent.destroy(),
  };
}

function denied(said: string, right: string, token: string | undefined, reason: string): string {
  if (token === undefined) return `${said} (no token is given): it needs ${right}`;
  return /permission denied/i.test(reason) ? `${said} (the token lacks ${right})` : `${said} (is the token right?)`;
}

/** What was wrong with TLS, in words; else what the operating system said. */
function whyOf(cause: Error, isTls: boolean): string {
  const code = 'code' in cause ? String(cause.code) : '';
  if (!isTls) return code.startsWith('HPE_') || code === 'ECONNRESET' ? `${cause.message} (if it has TLS: --consul-ca)` : cause.message;
  if (/UNABLE_TO_|SELF_SIGNED|CERT_SIGNATURE/.test(code)) return `its certificate is not of the CA in --consul-ca (${code})`;
  if (/ALERT/.test(code)) return `it does not take the certificate of --consul-cert, or wants one (${code})`;
  return /wrong version number/i.test(cause.message)
    ? 'it has no TLS at this address: leave --consul-ca out, or name its HTTPS port'
    : cause.message;
}

/** Consul says its reason as text; what is longer is the page of another program. */
const MAX_REASON = 200;

/** State: what kept Consul from being used at the last calls. Any answer proves that it runs; only an answer to the same kind of call, that the token is right. */
function createTrouble() {
  let failing: string | undefined;
  const refused = new Map<string, string>();
  const kindOf = ({ method, path }: Call): string => `${method} ${path.split('/')[1] ?? ''}`;
  return {
    failing: (why: string) => (failing = why),
    refused(call: Call, why: string): void {
      failing = undefined;
      refused.set(kindOf(call), why);
    },
    answered(call: Call): void {
      failing = undefined;
      refused.delete(kindOf(call));
    },
    now: (): string | undefined => failing ?? refused.values().next().value,
  };
}

/** The innermost cause: what the operating system said. */
function lastOf(error: Error): Error {
  return error.cause instanceof Error ? lastOf(error.cause) : error;
}

/** Consul's path of a key: its parts URL-encoded, its slashes kept. */
export function keyPath(key: string): string {
  return `/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}

function parseAddress(address: string): HostPort {
  const found = parseHostPort(address);
  if (found === undefined) throw new ArpanetError('invalid', `Consul's address "${address}" is not HOST:PORT`);
  return found;
}
