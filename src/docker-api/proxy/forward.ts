/**
 * Effects: one request to one Engine and its answer back, byte for byte, through http-proxy over kept-alive tunnels.
 *
 * http-proxy makes the request; the answer is handled here, because it leaves four things undone: headers wait for the first byte of a body
 * (`docker run` hangs), a client that disconnects does not free the Engine, an Engine that dies mid-answer leaves the client waiting, and hop-by-hop
 * headers pass. Its CVE-2026-29057 is shut out by guards.ts before a request comes here.
 */
import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import httpProxy from 'http-proxy';
import { ArpanetError } from '../../model/index.ts';
import type { EngineEndpoint } from '../../contracts/index.ts';
import { type Exchange, ownHeaders } from '../request-context.ts';
import { bodyRead } from '../json/body.ts';
import { hopByHop } from '../guards.ts';
import { type Upload, uploadOf } from './uploads.ts';
import { requestHeaders } from '../../telemetry/request-scope.ts';
import { reportFault } from '../../telemetry/faults.ts';

export interface Target {
  readonly host: string;
  readonly endpoint: EngineEndpoint;
  /** With version and query. */
  readonly path: string;
  /** Done when the Engine has said everything, before the client sees the end. */
  readonly beforeEnd?: (() => Promise<void>) | undefined;
}

export type Forward = (call: Exchange, target: Target) => Promise<void>;

/** Settles when the answer has been passed on whole, or cannot be. Throws `unavailable` only while nothing has been answered. */
export function createForward(): Forward {
  const proxy = httpProxy.createProxyServer({ selfHandleResponse: true, toProxy: true });
  const answers = new WeakMap<ServerResponse, (upstream: IncomingMessage) => void>();
  const requests = new WeakMap<ServerResponse, ClientRequest>();
  proxy.on('proxyReq', (upstream, _req, res) => {
    requests.set(res, upstream);
    if (res.destroyed) upstream.destroy();
  });
  proxy.on('proxyRes', (upstream, _req, res) => answers.get(res)?.(upstream));
  // Called when the client has disconnected; its `close` below frees the Engine.
  proxy.on('econnreset', () => undefined);

  const attempt = (call: Exchange, target: Target, again: boolean, body: Buffer | undefined): Promise<'done' | 'stale'> =>
    new Promise((resolve, reject) => {
      const { req, res } = call;
      const isClientGone = (): void => {
        requests.get(res)?.destroy();
        resolve('done');
      };
      res.once('close', isClientGone);
      answers.set(res, (upstream) => {
        res.off('close', isClientGone);
        passOn(res, upstream, ownHeaders(call.newestVersion, call.requestId), untroubled(call, target)).then(() => resolve('done'), reject);
      });
      dropOwnHeaders(req);
      req.url = target.path;
      const options = {
        target: 'http://engine',
        agent: target.endpoint.agent,
        ...(again || body !== undefined ? { buffer: Readable.from(again || !body?.length ? [] : [body]) } : {}),
      };
      proxy.web(req, res, options, (error) => {
        res.off('close', isClientGone);
        if (res.destroyed) return resolve('done');
        if (res.headersSent) {
          res.destroy();
          return resolve('done');
        }
        const isStale = requests.get(res)?.reusedSocket === true && isBodiless(req) && !again;
        if (isStale) resolve('stale');
        else reject(unreachable(target.host, error));
      });
    });
  return async (call, target) => {
    const upload = uploadOf(call.req);
    if (upload !== undefined) return await passUp(call, target, upload);
    const body = await bodyRead(call.req);
    if ((await attempt(call, target, false, body)) === 'stale') await attempt(call, target, true, undefined);
  };
}

/** A long body goes up as it is framed, on a tunnel of its own that the Engine closes. */
async function passUp(call: Exchange, target: Target, upload: Upload): Promise<void> {
  const { req, res, newestVersion, requestId, signal } = call;
  dropOwnHeaders(req);
  const tunnel = await target.endpoint.dial(signal).catch((error: unknown) => Promise.reject(unreachable(target.host, error)));
  await new Promise<void>((resolve, reject) => {
    const { method, headers } = req;
    const upstream = http.request({ method, path: target.path, headers, createConnection: () => tunnel });
    const clientGone = (): void => {
      upstream.destroy();
      resolve();
    };
    res.once('close', clientGone);
    upstream.once('response', (answer) => {
      res.off('close', clientGone);
      passOn(res, answer, ownHeaders(newestVersion, requestId), untroubled(call, target)).then(resolve, reject);
    });
    // after an answer it is one that did not wait for the whole body
    upstream.on('error', (error) => {
      res.off('close', clientGone);
      reject(unreachable(target.host, error));
    });
    upstream.flushHeaders();
    upstream.chunkedEncoding = false; // it is chunked already, if at all
    upload.passTo(upstream);
  });
}

/** What is to be done before the end of an answer cannot take the answer away. */
function untroubled(call: Exchange, { beforeEnd }: Target): Target['beforeEnd'] {
  return beforeEnd && (() => beforeEnd().catch((error: unknown) => reportFault(call.log, 'the end of an answer', error)));
}

/** The Engine is sent the id of the request, and the trace that it is a part of. */
function dropOwnHeaders({ headers }: IncomingMessage): void {
  for (const name of hopByHop(headers)) delete headers[name];
  for (const name of ['arpanet-forwarded', 'arpanet-retry', 'arpanet-request-id', 'arpanet-connection', 'arpanet-client'])
    delete headers[name];
  for (const [name, value] of Object.entries(requestHeaders())) headers[name.toLowerCase()] = value;
}

/** A kept-alive connection may have died unseen: what can be said twice is said again on a new one. */
const isBodiless = (req: IncomingMessage): boolean => req.method === 'GET' || req.method === 'HEAD';

export function unreachable(host: string, cause: unknown): ArpanetError {
  if (cause instanceof ArpanetError) return cause;
  return new ArpanetError('unavailable', `host ${host} does not answer: the request may or may not have reached its Engine`, { cause });
}

/** Passes an answer to the client, headers first; `own` headers replace its own. Settles when it has passed, or cannot. */
export async function passOn(
  res: ServerResponse,
  upstream: IncomingMessage,
  own: Readonly<Record<string, string>>,
  beforeEnd?: () => Promise<void>,
): Promise<void> {
  const drop = new Set([...hopByHop(upstream.headers), 'transfer-encoding', ...Object.keys(own).map((name) => name.toLowerCase())]);
  const headers: Record<string, string | string[]> = { ...own };
  for (const [name, value] of Object.entries(upstream.headers)) {
    if (!drop.has(name) && value !== undefined) headers[name] = value;
  }
  res.writeHead(upstream.statusCode ?? 502, headers);
  res.flushHeaders();
  await new Promise<void>((resolve) => {
    const clientGone = (): void => {
      upstream.destroy();
      resolve();
    };
    const cut = (): void => {
      if (!upstream.complete) res.destroy();
    };
    res.once('close', clientGone);
    upstream.once('error', cut).once('close', cut);
    upstream.once('end', () => {
      const end = (): void => {
        res.off('close', clientGone);
        res.end();
        resolve();
      };
      if (beforeEnd === undefined) end();
      else beforeEnd().then(end, end);
    });
    upstream.pipe(res, { end: false });
  });
}
