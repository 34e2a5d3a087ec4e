/** A chunked body that precedes an upgraded stream: Go's client sends the options of an exec so. Pure, but for the socket that is read. */
import type { Duplex } from 'node:stream';
import { ArpanetError } from '../../model/index.ts';

export interface Unchunked {
  readonly body: Buffer;
  /** What came behind the body: the stream already. */
  readonly rest: Buffer;
}

/** RFC 9112 section 7.1, extensions and trailers passed over. Undefined: more is to come. Throws `invalid` for what is no chunk. */
export function unchunk(bytes: Buffer): Unchunked | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const [, digits] = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i.exec(bytes.toString('latin1', at, end)) ?? [];
    if (digits === undefined) throw new ArpanetError('invalid', 'malformed chunked encoding');
    const size = Number.parseInt(digits, 16);
    at = end + 2;
    if (size === 0) return pastTrailers(bytes, at, Buffer.concat(parts));
    if (bytes.length < at + size + 2) return undefined;
    if (bytes.toString('latin1', at + size, at + size + 2) !== '\r\n') throw new ArpanetError('invalid', 'malformed chunked encoding');
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

function pastTrailers(bytes: Buffer, start: number, body: Buffer): Unchunked | undefined {
  for (let at = start; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    if (end === at) return { body, rest: bytes.subarray(end + 2) };
    at = end + 2;
  }
}

/** Reads such a body off a socket that nobody else reads. Throws `invalid` for one that is malformed, too long, or cut off. */
export async function readChunked(socket: Duplex, head: Buffer, limitBytes: number): Promise<Unchunked> {
  let bytes = head;
  for (;;) {
    const found = unchunk(bytes);
    if (found !== undefined) return found;
    if (bytes.length > limitBytes) throw new ArpanetError('too-large', `http: request body too large: the limit is ${limitBytes} bytes`);
    bytes = Buffer.concat([bytes, await nextChunk(socket)]);
  }
}

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
    const leave = (): void => void socket.off('readable', look).off('end', cut).off('close', cut);
    socket.on('readable', look).once('end', cut).once('close', cut);
  });
}
