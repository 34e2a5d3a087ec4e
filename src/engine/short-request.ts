/** Effects: one short request to another process of the cluster, on a connection of its own, with or without TLS. */
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import { ArpanetError } from '../model/errors.ts';
import { parseHostPort } from '../text/host-port.ts';

/** A request whose answer is read whole. */
export interface ShortRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  readonly signal: AbortSignal;
  /** For an `https://` URL. */
  readonly tls?: ConnectionOptions | undefined;
}

/** Its answer, whatever its status. */
export interface ShortAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Where the process of this URL listens. Throws `invalid` for a URL without a host. */
export function addressIn(url: string): { readonly host: string; readonly port: number; readonly isTls: boolean } {
  const { protocol, host: authority } = new URL(url);
  const isTls = protocol === 'https:';
  const found = parseHostPort(authority, isTls ? 443 : 80);
  if (found === undefined) throw new ArpanetError('invalid', `"${url}" has no host`);
  return { host: found.host, port: found.port, isTls };
}

/** Rejects with `unavailable` for an `https://` URL without `tls`, and with what node:http throws: the code of a refused connection is ECONNREFUSED. */
export async function shortRequest({ url, method = 'GET', headers, body, signal, tls }: ShortRequest): Promise<ShortAnswer> {
  const { host, port, isTls } = addressIn(url);
  if (isTls && tls === undefined)
    throw new ArpanetError('unavailable', `this process has no certificate of the cluster to reach ${url} with`);
  const { pathname, search } = new URL(url);
  const length = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
  const options = { host, port, method, path: pathname + search, headers: { ...headers, ...length }, agent: false, signal };
  return await new Promise((resolve, reject) => {
    const call = isTls ? https.request({ ...tls, ...options }) : http.request(options);
    call.once('error', reject);
    call.once('response', (answer) => {
      text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: said }), reject);
    });
    call.end(body);
  });
}
