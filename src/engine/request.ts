/** Effects: small HTTP calls to one Engine, over its own socket, TCP, or a tunnel agent. */
import http, { type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { LONGEST_TIMER_MS } from '../async/longest-timer.ts';
import { ArpanetError } from '../model/errors.ts';
import { messageIn } from './upgrade.ts';
import { afterScheme, parseHostPort } from '../text/host-port.ts';

/** Where an Engine is. Without an agent, Node's global keep-alive agent is used. */
export type EngineTarget =
  | { readonly agent: http.Agent }
  | { readonly socketPath: string; readonly agent?: http.Agent }
  /** `https:` where its agent speaks TLS. */
  | { readonly host: string; readonly port: number; readonly agent?: http.Agent; readonly protocol?: 'https:' };

/** One HTTP request to an Engine. Times in ms. */
export interface EngineCall {
  readonly method: string;
  /** With a version (`/v1.41/containers/json`), or without for the Engine's newest. */
  readonly path: string;
  /** Buffer and string are sent as they are, a Readable is streamed, anything else is sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Until the head of the answer; in engineRequest and engineJson until its last byte. */
  readonly timeoutMs?: number;
}

/** A whole answer of an Engine, whatever its status. */
export interface EngineAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

/** `unix:///path` or `tcp://host:port` as a target; the default port is 2375. Throws `invalid`. */
export function engineTarget(url: string): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
  const path = afterScheme(url, 'unix');
  if (path?.startsWith('/')) return { socketPath: path };
  const address = afterScheme(url, 'tcp', 'http');
  const target = address === undefined ? undefined : parseHostPort(address, 2375);
  if (target === undefined) throw new ArpanetError('invalid', `invalid engine address "${url}": use unix:///PATH or tcp://HOST:PORT`);
  return target;
}

/**
 * Resolves at the head of the answer, whatever its status; the caller reads or destroys the body. Aborting ends the body too.
 * Throws `unavailable` or `timeout` without an answer, and the signal's AbortError.
 */
export async function engineOpen(target: EngineTarget, call: EngineCall): Promise<IncomingMessage> {
  try {
    return await attempt(target, call);
  } catch (error) {
    // The Engine closed a kept-alive connection while the request was written: nothing was done, so it is sent again on another one.
    if (error instanceof StaleConnection && IDEMPOTENT.has(call.method) && !(call.body instanceof Readable)) {
      return attempt(target, call).catch((again: unknown) => Promise.reject(asArpanet(target, again, call)));
    }
    throw asArpanet(target, error, call);
  }
}

/** The whole answer, whatever its status. Throws `unavailable` or `timeout` without one, and the signal's AbortError. */
export async function engineRequest(target: EngineTarget, call: EngineCall): Promise<EngineAnswer> {
  const answer = await engineOpen(target, call);
  const late = () => new ArpanetError('timeout', `the Docker Engine at ${describe(target)} did not finish ${call.method} ${call.path}`);
  const timer = timerOf(call, () => answer.destroy(late()));
  try {
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) };
  } catch (error) {
    throw asArpanet(target, error, call);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer's JSON; undefined for an empty body. Throws `engine`, with the Engine's status and message, for 400 and above; else as engineRequest. */
export async function engineJson<T>(target: EngineTarget, call: EngineCall): Promise<T> {
  const answer = await engineRequest(target, call);
  if (answer.status >= 400) throw engineError(answer.status, answer.body.toString());
  return (answer.body.length === 0 ? undefined : JSON.parse(answer.body.toString())) as T;
}

/** An Engine's refusal as an error of kind `engine`, with its status and message. */
export function engineError(status: number, body: string): ArpanetError {
  return new ArpanetError('engine', messageIn(body) ?? (body.trim() || `the Docker Engine answered ${status}`), { engineStatus: status });
}

/** A stop waits as long as its container's client said, and that may be for ever. */
const timerOf = ({ timeoutMs }: EngineCall, end: () => unknown): NodeJS.Timeout | undefined =>
  timeoutMs === undefined ? undefined : setTimeout(end, Math.min(timeoutMs, LONGEST_TIMER_MS));

class StaleConnection extends Error {}

function attempt(target: EngineTarget, call: EngineCall): Promise<IncomingMessage> {
  const { method, path, signal, timeoutMs } = call;
  const { body, type } = encode(call.body);
  const length = typeof body === 'string' || Buffer.isBuffer(body) ? { 'Content-Length': String(Buffer.byteLength(body)) } : {};
  const headers = { Host: 'docker', ...(type && { 'Content-Type': type }), ...length, ...call.headers };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...target, method, path, headers, ...(signal && { signal }) });
    const onTimeout = (): void => {
      const late = new ArpanetError(
        'timeout',
        `the Docker Engine at ${describe(target)} did not answer ${method} ${path} within ${timeoutMs ?? 0} ms`,
      );
      request.destroy(late);
      // the request itself emits this only once it has a socket, and a tunnel to a silent host takes long to fail
      reject(late);
    };
    const timer = timerOf(call, onTimeout);
    request.on('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    if (body instanceof Readable) pipeline(body, request).catch((error: Error) => request.destroy(error));
    else request.end(body);
  });
}

function encode(body: unknown): { readonly body?: string | Buffer | Readable; readonly type?: string } {
  if (body === undefined) return {};
  if (typeof body === 'string' || Buffer.isBuffer(body) || body instanceof Readable) return { body };
  return { body: JSON.stringify(body), type: 'application/json' };
}

/** The caller's own abort is passed on. An AbortError without one means that the tunnels were closed because their host is down. */
function asArpanet(target: EngineTarget, error: unknown, { signal }: EngineCall): Error {
  if (error instanceof ArpanetError) return error;
  if (error instanceof Error && error.name === 'AbortError' && signal?.aborted === true) return error;
  const cause = error instanceof StaleConnection ? error.cause : error;
  return new ArpanetError('unavailable', `cannot reach the Docker Engine at ${describe(target)}`, { cause });
}

function describe(target: EngineTarget): string {
  if ('socketPath' in target) return target.socketPath;
  return 'host' in target ? `${target.host}:${target.port}` : 'the other end of the tunnel';
}
