/** A body that precedes an upgraded stream: Go's client sends the options of an exec so. Effects: reads the socket that it is given. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { ArpanetError } from '../../model/index.ts';
import { endByChunks } from './body-end.ts';

export interface Unchunked {
  readonly body: Buffer;
  /** What came behind the body: the stream already. */
  readonly rest: Buffer;
}

/**
 * Reads such a body off a socket that nobody else reads; `head` is what was read already. Throws `invalid` for one that is malformed or cut off,
 * `too-large` for more than `limitBytes` with its framing.
 */
export async function readChunked(socket: Duplex, head: Buffer, limitBytes: number): Promise<Unchunked> {
  const parts: Buffer[] = [];
  const end = endByChunks((data) => parts.push(data));
  let total = 0;
  for (let bytes = head; ; bytes = await nextChunk(socket)) {
    const taken = end.take(bytes);
    if (end.isReached()) return { body: Buffer.concat(parts), rest: bytes.subarray(taken) };
    total += bytes.length;
    if (total > limitBytes) throw tooLarge(limitBytes);
  }
}

/** The same of a body as its head frames it: in chunks, or with a length. */
export async function readFramed(socket: Duplex, head: Buffer, headers: IncomingHttpHeaders, limitBytes: number): Promise<Unchunked> {
  if (headers['transfer-encoding'] !== undefined) return await readChunked(socket, head, limitBytes);
  const length = Number(headers['content-length'] ?? 0);
  if (length > limitBytes) throw tooLarge(limitBytes);
  const parts = [head];
  for (let total = head.length; total < length; ) {
    const bytes = await nextChunk(socket);
    parts.push(bytes);
    total += bytes.length;
  }
  const all = Buffer.concat(parts);
  return { body: all.subarray(0, length), rest: all.subarray(length) };
}

const tooLarge = (limitBytes: number): ArpanetError =>
  new ArpanetError('too-large', `http: request body too large: the limit is ${limitBytes} bytes`);

function nextChunk(socket: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      leave();
      resolve(chunk);
    };
    const cut = (): void => {
      leave();
      reject(new ArpanetError('invalid', 'unexpected EOF in the request body'));
    };
    const leave = (): void => {
      socket.off('readable', look).off('end', cut).off('close', cut);
    };
    socket.on('readable', look).once('end', cut).once('close', cut);
  });
}
