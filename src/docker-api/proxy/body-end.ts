/** Where a request's body ends in the bytes behind its head (RFC 9112 sections 6 and 7.1), given in pieces as they arrive. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import { ArpanetError } from '../../model/index.ts';

export interface BodyEnd {
  /** How many of these bytes belong to the body: all, or it ends among them. Throws `invalid` for what is no chunk. */
  take(bytes: Buffer): number;
  isReached(): boolean;
}

/** A chunk's size with its extensions, or the trailers together, may have this much; node:http allows as much. */
const LINES_LIMIT_BYTES = 16 * 1024;

/** Of a body as its head frames it: in chunks, or with a length; without either it is empty. */
export function bodyEnd(headers: IncomingHttpHeaders): BodyEnd {
  return headers['transfer-encoding'] === undefined ? endByLength(Number(headers['content-length'] ?? 0)) : endByChunks();
}

function endByLength(length: number): BodyEnd {
  let left = length;
  return {
    take(bytes) {
      const taken = Math.min(left, bytes.length);
      left -= taken;
      return taken;
    },
    isReached: () => left === 0,
  };
}

/** Of a body in chunks, RFC 9112 section 7.1; extensions and trailers are passed over. `onData` is given what the chunks hold, piece by piece. */
export function endByChunks(onData?: (data: Buffer) => void): BodyEnd {
  let awaited: 'size' | 'data' | 'end of data' | 'trailers' | 'nothing' = 'size';
  let dataLeft = 0;
  let line = '';
  let trailerBytes = 0;

  function lineArrived(): void {
    if (!line.endsWith('\r\n')) throw malformed();
    if (awaited === 'trailers') {
      trailerBytes += line.length;
      if (line === '\r\n') awaited = 'nothing';
    } else if (awaited === 'end of data') {
      if (line !== '\r\n') throw malformed();
      awaited = 'size';
    } else {
      dataLeft = sizeIn(line);
      awaited = dataLeft === 0 ? 'trailers' : 'data';
    }
    line = '';
  }

  return {
    take(bytes) {
      let at = 0;
      while (at < bytes.length && awaited !== 'nothing') {
        if (awaited === 'data') {
          const taken = Math.min(dataLeft, bytes.length - at);
          onData?.(bytes.subarray(at, at + taken));
          at += taken;
          dataLeft -= taken;
          if (dataLeft === 0) awaited = 'end of data';
          continue;
        }
        const lf = bytes.indexOf(10, at);
        const end = lf < 0 ? bytes.length : lf + 1;
        if (line.length + trailerBytes + end - at > LINES_LIMIT_BYTES) throw malformed();
        line += bytes.toString('latin1', at, end);
        at = end;
        if (lf >= 0) lineArrived();
      }
      return at;
    },
    isReached: () => awaited === 'nothing',
  };
}

function sizeIn(line: string): number {
  const [, digits] = /^([0-9a-f]{1,12})(?:[ \t]*;.*)?\r\n$/i.exec(line) ?? [];
  if (digits === undefined) throw malformed();
  return Number.parseInt(digits, 16);
}

const malformed = (): ArpanetError => new ArpanetError('invalid', 'malformed chunked encoding');
