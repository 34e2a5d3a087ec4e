/**
 * Effects: requests with long bodies (cp, load, import, build). node:http would hand each body out in fresh pieces of 64 KiB, which costs more than all
 * else that is done with them; here it stops at the head, as for an upgrade, and the body passes as it is framed, read into one buffer.
 * Such a connection is closed after its answer.
 */
import { type ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { reuseReadBuffer } from '../../engine/index.ts';
import { limitsOf, STALLED_UPLOAD, tooSlow } from '../limits/connections.ts';
import { refusals } from '../request-metrics.ts';
import { bodyEnd } from './body-end.ts';

export interface Upload {
  /** Its head has been said, with the framing of the client's; once. A client whose chunks are none destroys it with an error. */
  passTo(upstream: ClientRequest): void;
}

/** A shorter body goes node:http's way, and keeps its connection. */
const LONG_BYTES = 1024 * 1024;
/** How long a client that was answered before its body's end may go on sending, so that it sees the answer. */
const LINGER_MS = 2_000;
const KEEPALIVE_MS = 15_000;

const uploads = new WeakMap<IncomingMessage, Upload>();

export const uploadOf = (req: IncomingMessage): Upload | undefined => uploads.get(req);

/** A class for http.createServer whose requests come as `upgrade`s where `isUpload` says so; `isUploading` tells them from others. */
export function stoppingAt(isUpload: (req: IncomingMessage) => boolean): typeof IncomingMessage {
  return class extends IncomingMessage {
    declare private offered: boolean | null;
    declare private isLong: boolean | undefined;
    /** node:http sets it at the head's end, and asks it once more at the end of each read. */
    get upgrade(): boolean {
      if (this.offered !== true) this.isLong ??= mayBeLong(this) && isUpload(this);
      return this.offered === true || this.isLong === true;
    }
    set upgrade(offered: boolean | null) {
      this.offered = offered;
    }
    get isUpload(): boolean {
      return this.isLong === true;
    }
  };
}

export const isUploading = (req: IncomingMessage): boolean => 'isUpload' in req && req.isUpload === true;

function mayBeLong({ method, headers, httpVersion }: IncomingMessage): boolean {
  if ((method !== 'PUT' && method !== 'POST') || httpVersion !== '1.1' || headers.expect !== undefined) return false;
  const encoding = headers['transfer-encoding'];
  return encoding === undefined
    ? Number(headers['content-length'] ?? 0) >= LONG_BYTES
    : encoding === 'chunked' && headers['content-length'] === undefined;
}

function stalled(upstream: ClientRequest): void {
  refusals.inc({ why: 'slow-body' });
  upstream.destroy(tooSlow(STALLED_UPLOAD));
}

/** Takes such a request's connection; gives the answer to it. */
export function receiveUpload(req: IncomingMessage, socket: Duplex, head: Buffer): ServerResponse {
  const end = bodyEnd(req.headers);
  const res = new ServerResponse(req);
  let to: Writable = res;
  let upstream: ClientRequest | undefined;

  /** What nobody wants, or follows the body, is dropped. */
  function take(chunk: Buffer): void {
    const request = upstream;
    if (request === undefined) return;
    try {
      const taken = end.take(chunk);
      // node:http would hold the write until the next tick, and the buffer with it
      request.cork();
      request.write(chunk.subarray(0, taken));
      request.uncork();
      if (!end.isReached()) return;
      request.end();
    } catch (error) {
      request.destroy(error as Error);
    }
    upstream = undefined;
  }
  const client = reuseReadBuffer(socket, () => to, take) as Socket;
  client.setKeepAlive(true, KEEPALIVE_MS);
  client.on('error', () => client.destroy());
  client.setTimeout(limitsOf(client)?.stallMs ?? 0).on('timeout', () => {
    // what the Engine has not taken yet is not the client's fault
    if (upstream !== undefined && !upstream.writableNeedDrain) stalled(upstream);
    else if (upstream === undefined && client.writableLength > 0) client.destroy();
  });
  // it disconnected: who only half closes did so before, too
  client.once('end', () => {
    if (!res.writableEnded) client.destroy();
  });
  req.socket = client;
  res.shouldKeepAlive = false;
  res.assignSocket(client);
  res.once('finish', () => {
    res.detachSocket(client);
    if (end.isReached()) return client.destroySoon();
    client.end();
    client.once('end', () => client.destroy()).resume();
    const timer = setTimeout(() => client.destroy(), LINGER_MS);
    client.once('close', () => clearTimeout(timer));
  });
  uploads.set(req, {
    passTo(request) {
      to = upstream = request;
      request.on('drain', () => client.resume());
      request.once('close', () => {
        if (upstream === request) upstream = undefined;
        client.resume();
      });
      take(head);
      if (!request.writableNeedDrain) client.resume();
    },
  });
  return res;
}
