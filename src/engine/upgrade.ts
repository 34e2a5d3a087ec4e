/** Effects: sends an HTTP/1.1 upgrade request and returns the socket after the `101`. */
import http from 'node:http';
import net, { type Socket } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { ArpanetError, type ErrorKind } from '../model/errors.ts';
import { HIGH_WATER_MARK_BYTES } from './reused-read-buffer.ts';

/** One HTTP/1.1 request that asks for another protocol on its connection. Times in ms. */
export interface UpgradeRequest {
  /** Of a Unix socket neither, but its path. */
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  readonly path: string;
  /** Value of the `Upgrade` header. */
  readonly protocol: string;
  /** A list is one line for each value. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** `GET` where it is not given. */
  readonly method?: string;
  /** The other side, for error messages: `engine gateway 10.0.0.2:2376`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** The connection is TLS. */
  readonly tls?: ConnectionOptions | undefined;
  /** For connecting and answering; default 5 s. */
  readonly timeoutMs?: number;
}

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = { 401: 'unauthorized', 403: 'forbidden', 409: 'not-leader' };

/** A TCP socket without Nagle, with keepalive, half-open, with large buffers. Not yet connected; errors are emitted. */
export function dial(host: string, port: number, onread?: net.OnReadOpts): Socket {
  const options = { host, port, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };
  return net.connect({ ...options, highWaterMark: HIGH_WATER_MARK_BYTES, ...(onread && { onread }) } as net.NetConnectOpts);
}

/** The same with TLS. Reads and writes wait for its handshake. */
export function dialTls(host: string, port: number, options: ConnectionOptions): Socket {
  const socket = dial(host, port);
  const secured = tls.connect({ ...options, socket, allowHalfOpen: true, highWaterMark: HIGH_WATER_MARK_BYTES } as ConnectionOptions);
  socket.once('error', (error) => secured.destroy(error));
  return secured;
}

/** The same to a Unix socket; with `onread` what arrives goes there, and no `data` is emitted. */
export function dialUnix(path: string, onread?: net.OnReadOpts): Socket {
  return net.connect({ path, allowHalfOpen: true, highWaterMark: HIGH_WATER_MARK_BYTES, ...(onread && { onread }) } as net.NetConnectOpts);
}

/**
 * Resolves with the socket after `101`; bytes that came with the head of the answer are still in it, unread.
 * Throws `unavailable` (refused, unreachable, closed), `timeout`, or by status: `unauthorized` (401), `forbidden` (403), `not-leader` (409).
 */
export function openUpgrade(request: UpgradeRequest): Promise<Socket> {
  const { host = '', port = 0, socketPath, path, protocol, what, signal, method = 'GET', timeoutMs = 5_000 } = request;
  return new Promise((resolve, reject) => {
    const headers = { ...request.headers, Connection: 'Upgrade', Upgrade: protocol };
    const call = http.request({
      ...(socketPath === undefined && { host, port }),
      method,
      path,
      headers,
      createConnection() {
        if (socketPath !== undefined) return dialUnix(socketPath);
        return request.tls === undefined ? dial(host, port) : dialTls(host, port, request.tls);
      },
      ...(signal && { signal }),
    });
    const timer = setTimeout(() => call.destroy(new ArpanetError('timeout', `${what} did not answer within ${timeoutMs} ms`)), timeoutMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    call.on('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      settle(() => resolve(socket));
    });
    call.on('response', (answer) => {
      readMessage(answer).then(
        (message) => settle(() => reject(new ArpanetError(KIND_OF_STATUS[answer.statusCode ?? 0] ?? 'unavailable', `${what}: ${message}`))),
        (cause: unknown) => settle(() => reject(asUnavailable(what, cause))),
      );
    });
    call.on('error', (cause) => settle(() => reject(asUnavailable(what, cause))));
    call.end();
  });
}

function asUnavailable(what: string, cause: unknown): Error {
  if (cause instanceof ArpanetError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') return cause;
  const why = handshakeFault(cause);
  const kind = why === FOREIGN ? 'unauthorized' : 'unavailable';
  return new ArpanetError(kind, `cannot reach ${what}${why === undefined ? '' : `: ${why}`}`, { cause });
}

/** The `{"message": …}` of a refusal, or its status line. At most 64 KiB are read. */
export async function readMessage(answer: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > 65_536) break;
  }
  return messageIn(text) ?? `answered ${answer.statusCode ?? 0} ${answer.statusMessage ?? ''}`.trim();
}

/** The message in a Docker-style error body, if it is one. */
export function messageIn(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // not JSON: the caller has other words
  }
  return undefined;
}

const FOREIGN = 'its certificate is not of the CA of this cluster';

/** Why there is no TLS with the other end, in words; undefined: that is not what was wrong. */
export function handshakeFault(cause: unknown): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED') {
    const when = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet';
    return `its certificate ${when} by this machine's clock, which says ${new Date().toISOString()}`;
  }
  if (/UNABLE_TO_|SELF_SIGNED|CERT_SIGNATURE_FAILURE/.test(code)) return FOREIGN;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name';
  if (/^ERR_SSL_|EPROTO/.test(code)) return `no TLS with it (${code})`;
  return undefined;
}
