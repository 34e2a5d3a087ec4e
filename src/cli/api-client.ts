/** The one HTTP client of all commands: the Docker API of any scheduler, and by `v1` its `/arpanet/v1`. Effects: HTTP requests. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { text } from 'node:stream/consumers';
import { lines } from '../engine/lines.ts';
import type { Client } from '../client/index.ts';
import { clusterClient } from '../engine/cluster-client.ts';
import { handshakeFault, openUpgrade, type UpgradeRequest } from '../engine/upgrade.ts';
import { type EngineCall, engineError, engineOpen, engineRequest, type EngineTarget, engineTarget } from '../engine/request.ts';
import { ArpanetError, isKind } from '../model/errors.ts';
import { type Asked, askedEndpoint, type EndpointFlags, type Environment, type TlsPaths } from './docker-endpoint.ts';

export interface Call {
  /** `GET` where it is not given. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Milliseconds until the whole answer must have arrived; no limit where it is not given. */
  readonly timeoutMs?: number;
}

export interface OpenCall extends Pick<Call, 'method' | 'body'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Errors: `engine` with the HTTP status (`engineStatus`) and the message that the cluster answered; `unavailable` where nothing listens, or where
 * a plain Docker Engine does.
 */
export interface ApiClient {
  /** `http://HOST:PORT`, `https://HOST:PORT` or `unix:///PATH`. */
  readonly url: string;
  readonly reached: Asked;
  /** The answer's JSON; undefined for an empty answer. */
  json<T>(path: string, call?: Call): Promise<T>;
  /** The answer once its head has arrived; the caller reads the body. A body that is a stream is sent as it comes. */
  open(path: string, signal: AbortSignal, call?: OpenCall): Promise<IncomingMessage>;
  /** `POST`, and the connection itself once both sides speak `protocol` on it. */
  upgrade(path: string, protocol: string, headers: UpgradeRequest['headers']): Promise<Socket>;
  /** A stream of JSON values, one per line. */
  feed<T>(path: string, signal: AbortSignal): AsyncGenerator<T, void>;
  /** `/arpanet/v1`. Of long work errors also: `conflict` with the leader's text where it failed after it began, `unavailable` where the stream or the leadership ended early. */
  readonly v1: Client;
}

export type { EndpointFlags, Environment } from './docker-endpoint.ts';

/**
 * A client for `--endpoint` or `--context`, else ARPANET_ENDPOINT, else what docker would ask by its variables and contexts, else tcp://127.0.0.1:2375.
 * Throws `invalid` for what is no address, and for certificates that cannot be read.
 */
export function apiClient(flags: EndpointFlags, env: Environment): ApiClient {
  const asked = askedEndpoint(flags, env);
  const url = asked.url.replace(/^tcp:/, asked.tls === undefined ? 'http:' : 'https:');
  const address = engineTarget(asked.url);
  const tls =
    asked.tls === undefined
      ? undefined
      : { ...readTls(asked.tls), ...('host' in address && { servername: isIP(address.host) ? '' : address.host }) };
  const target: EngineTarget =
    tls === undefined || 'socketPath' in address ? address : { ...address, protocol: 'https:', agent: new https.Agent(tls) };
  const unreachable = (error: unknown): never => {
    if (!isKind(error, 'unavailable', 'timeout')) throw error;
    const fault = refusedTls(error.cause, tls !== undefined);
    if (fault !== undefined) throw new ArpanetError('unavailable', `${url}: ${fault}`, { cause: error.cause ?? error });
    throw new ArpanetError(
      'unavailable',
      `no scheduler answers at ${url}: is one running there? (arpanet up, or arpanet scheduler --listen …)`,
      { cause: error.cause ?? error },
    );
  };
  const open = async (path: string, signal?: AbortSignal, { method = 'GET', body, headers = {} }: OpenCall = {}) => {
    const answer = await engineOpen(target, { method, path, signal, body, headers }).catch(unreachable);
    if ((answer.statusCode ?? 0) < 400) return answer;
    throw refusal(url, path, answer.statusCode ?? 0, await text(answer));
  };
  const whole = async (call: EngineCall) => {
    const answer = await engineRequest(target, call).catch(unreachable);
    if (answer.status >= 400) throw refusal(url, call.path, answer.status, answer.body.toString());
    return answer;
  };
  const json = async <T>(path: string, { method = 'GET', body, timeoutMs }: Call = {}): Promise<T> => {
    const { body: content } = await whole({ method, path, body, ...(timeoutMs !== undefined && { timeoutMs }) });
    return (content.length === 0 ? undefined : JSON.parse(content.toString())) as T;
  };
  return {
    url,
    reached: asked,
    json,
    open,
    upgrade: async (path, protocol, headers) => {
      return openUpgrade({ ...address, tls, method: 'POST', path, protocol, headers, what: `the scheduler at ${url}` });
    },
    async *feed<T>(path: string, signal: AbortSignal) {
      for await (const line of lines(await open(path, signal))) yield JSON.parse(line) as T;
    },
    v1: clusterClient({ whole, open: ({ path, signal, ...call }) => open(path, signal, call), cutOff: interrupted }),
  };
}

const interrupted = (cause: unknown, id: string | undefined) =>
  new ArpanetError(
    'unavailable',
    `the connection to the leader ended before the work was done; the cluster continues it, ${id === undefined ? '' : `"arpanet operations ${id}" follows it where the leader is the same, `}and "arpanet ps" shows the present state`,
    { cause },
  );

/** What a Docker Engine answers for a path that it does not have (moby, api/server: `page not found`, status 404). */
const ENGINE_404 = 'page not found';

function refusal(url: string, path: string, status: number, content: string): ArpanetError {
  const error = engineError(status, content);
  if (status !== 404 || !path.startsWith('/arpanet/') || !error.message.includes(ENGINE_404)) return error;
  return new ArpanetError(
    'unavailable',
    `${url} is a Docker Engine, not an arpanet scheduler: ${error.message}. Give --endpoint tcp://HOST:PORT, or use a context of the cluster ("arpanet context")`,
  );
}

/** Throws `invalid` with the path of a file that cannot be read, or is none. */
function readTls({ ca, cert, key, isVerified }: TlsPaths): ConnectionOptions {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new ArpanetError('invalid', `cannot read ${path}`, { cause });
    }
  };
  if ((cert === undefined) !== (key === undefined))
    throw new ArpanetError('invalid', `${cert ?? key} needs its ${cert === undefined ? 'cert.pem' : 'key.pem'} beside it`);
  const options = {
    ...(ca !== undefined && { ca: read(ca) }),
    ...(cert !== undefined && key !== undefined && { cert: read(cert), key: read(key) }),
    rejectUnauthorized: isVerified,
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new ArpanetError(
      'invalid',
      `the certificate or key is none that can be used, or they do not belong together: ${[ca, cert, key].filter(Boolean).join(', ')}`,
      { cause },
    );
  }
  return options;
}

/** What was wrong with TLS, in words; undefined: something else was. */
function refusedTls(cause: unknown, isTls: boolean): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (!isTls && !code.startsWith('HPE_') && code !== 'ECONNRESET') return undefined;
  if (!isTls) return 'it does not speak plain HTTP: if it has TLS, set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context';
  if (/wrong version number/i.test(String(cause))) return 'it has no TLS: unset DOCKER_TLS_VERIFY, or ask its TLS address';
  if (/ALERT|ECONNRESET/.test(code)) return 'it does not take this certificate, or wants one where there is none';
  return handshakeFault(cause);
}
