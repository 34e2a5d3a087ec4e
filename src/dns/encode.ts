/**
 * Reads queries and writes answers in DNS wire format (RFC 1035, EDNS0 of RFC 6891). Pure: bytes in, bytes out.
 *
 * Address answers and errors are encoded here, for speed (docs/performance.md); other records come encoded by dns2 from `records.ts`.
 */
import { TYPE } from './answer.ts';
import { addressNumber } from '../text/ipv4.ts';

export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

export interface Query {
  readonly message: Buffer;
  /** Where the question section ends. */
  readonly end: number;
  readonly type: number;
  /** The greatest answer that the client takes by UDP. */
  readonly udpSize: number;
  readonly hasOpt: boolean;
  /** The DNSSEC OK bit; copied into the answer (RFC 3225). */
  readonly isDnssecOk: boolean;
}

/** `drop`: not a query; an answer could start a loop between two servers. */
export type Parsed =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'refused'; readonly rcode: number; readonly query: Query }
  | { readonly kind: 'drop' };

export interface Sections {
  readonly answers: readonly Uint8Array[];
  readonly authority: readonly Uint8Array[];
  readonly additional: readonly Uint8Array[];
}

export const noSections: Sections = { answers: [], authority: [], additional: [] };

const headerBytes = 12;
const minUdpSize = 512;
/** Largest UDP answer, in bytes, and the size offered to clients in EDNS0. */
const maxUdpSize = 4096;
const optBytes = 11;
const addressRecordBytes = 16;

export function parseQuery(message: Buffer): Parsed {
  if (message.length < headerBytes || (at(message, 2) & 0x80) !== 0) return { kind: 'drop' };
  const bare: Query = { message, end: headerBytes, type: 0, udpSize: minUdpSize, hasOpt: false, isDnssecOk: false };
  if ((at(message, 2) & 0x78) !== 0) return { kind: 'refused', rcode: RCODE.NOTIMP, query: bare };
  const malformed: Parsed = { kind: 'refused', rcode: RCODE.FORMERR, query: bare };
  if (word(message, 4) !== 1 || word(message, 6) !== 0 || word(message, 8) !== 0) return malformed;
  let end = headerBytes;
  for (let length = at(message, end); length !== 0; length = at(message, end)) {
    if (length > 63) return malformed; // a compression pointer in the first name would point nowhere
    end += length + 1;
  }
  end += 5;
  if (end > message.length || end - headerBytes - 4 > 255) return malformed;
  const type = word(message, end - 4);
  const klass = word(message, end - 2);
  const opt = word(message, 10) === 0 ? undefined : findOpt(message, end, word(message, 10));
  if (opt === 'malformed') return malformed;
  const query: Query = {
    message,
    end,
    type,
    udpSize: opt === undefined ? minUdpSize : Math.min(Math.max(word(message, opt + 3), minUdpSize), maxUdpSize),
    hasOpt: opt !== undefined,
    isDnssecOk: opt !== undefined && (at(message, opt + 7) & 0x80) !== 0,
  };
  if (opt !== undefined && at(message, opt + 6) !== 0) return { kind: 'refused', rcode: RCODE.BADVERS, query };
  // Zone transfers (251, 252) and classes other than IN and ANY.
  if ((klass !== 1 && klass !== 255) || type === 251 || type === 252) return { kind: 'refused', rcode: RCODE.REFUSED, query };
  return { kind: 'query', query };
}

/** Where the OPT record begins among the additional ones. */
function findOpt(message: Uint8Array, from: number, count: number): number | undefined | 'malformed' {
  let found: number | undefined;
  let position = from;
  for (let i = 0; i < count; i++) {
    const start = position;
    for (let length = at(message, position); length !== 0; length = at(message, position)) {
      if (position >= message.length) return 'malformed';
      if (length >= 0xc0) {
        position += 1;
        break;
      }
      if (length > 63) return 'malformed';
      position += length + 1;
    }
    const next = position + 11 + word(message, position + 9);
    if (next > message.length) return 'malformed';
    if (word(message, position + 1) === TYPE.OPT) {
      if (found !== undefined || position !== start) return 'malformed';
      found = start;
    }
    position = next;
  }
  return found;
}

/** The name of the query, its labels joined by dots, in its original case. */
export function nameOf({ message, end }: Query): string {
  const labels: string[] = [];
  for (let position = headerBytes; position < end - 5; position += at(message, position) + 1)
    labels.push(message.toString('latin1', position + 1, position + 1 + at(message, position)).replaceAll('.', '\\.'));
  return labels.join('.');
}

/** A records with all addresses in random order, or as many as fit into `limit` bytes, with TC set. `random` gives [0, 1); `addresses` is reordered. */
export function encodeAddresses(query: Query, addresses: Uint32Array, limit: number, random: () => number): Buffer {
  const room = Math.floor((limit - query.end - (query.hasOpt ? optBytes : 0)) / addressRecordBytes);
  const count = Math.min(addresses.length, room);
  const packet = begin(query, query.end + count * addressRecordBytes, RCODE.NOERROR, count < addresses.length);
  writeWord(packet, 6, count);
  let position = query.end;
  for (let i = 0; i < count; i++) {
    // One Fisher–Yates step in place: any order of the array is a good start for the next answer.
    const j = i + Math.floor(random() * (addresses.length - i));
    const address = addresses[j] ?? 0;
    addresses[j] = addresses[i] ?? 0;
    addresses[i] = address;
    packet[position] = 0xc0; // the name: a pointer to the question's
    packet[position + 1] = headerBytes;
    packet[position + 3] = TYPE.A;
    packet[position + 5] = 1;
    packet[position + 11] = 4;
    packet[position + 12] = address >>> 24;
    packet[position + 13] = address >>> 16;
    packet[position + 14] = address >>> 8;
    packet[position + 15] = address;
    position += addressRecordBytes;
  }
  return packet;
}

/** Sections of encoded records. Records that do not fit into `limit` bytes are left out: additional ones silently, others with TC set. */
export function encodeSections(query: Query, rcode: number, sections: Sections, limit: number): Buffer {
  let free = limit - query.end - (query.hasOpt ? optBytes : 0);
  const fitting = (records: readonly Uint8Array[]): readonly Uint8Array[] => {
    const fit: Uint8Array[] = [];
    for (const record of records) {
      if (record.length > free) break;
      free -= record.length;
      fit.push(record);
    }
    return fit;
  };
  const [answers, authority, additional] = [fitting(sections.answers), fitting(sections.authority), fitting(sections.additional)];
  const isCut = answers.length + authority.length < sections.answers.length + sections.authority.length;
  const body = Buffer.concat([...answers, ...authority, ...additional]);
  const packet = begin(query, query.end + body.length, rcode, isCut);
  packet.set(body, query.end);
  writeWord(packet, 6, answers.length);
  writeWord(packet, 8, authority.length);
  writeWord(packet, 10, additional.length + (query.hasOpt ? 1 : 0));
  return packet;
}

/** Header, question and OPT of an answer whose records end at `recordsEnd`; all else is zero. */
function begin({ message, end, hasOpt, isDnssecOk }: Query, recordsEnd: number, rcode: number, isCut: boolean): Buffer {
  const packet = Buffer.alloc(recordsEnd + (hasOpt ? optBytes : 0));
  packet.set(message.subarray(0, end));
  const hasQuestion = end > headerBytes;
  const isAuthoritative = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
  packet[2] = 0x80 | (isAuthoritative ? 0x04 : 0) | (at(message, 2) & 0x79) | (isCut ? 0x02 : 0); // QR, AA; opcode and RD as asked
  packet[3] = 0x80 | (at(message, 3) & 0x10) | (rcode & 0x0f); // RA; CD as asked
  packet.fill(0, 4, headerBytes);
  packet[5] = hasQuestion ? 1 : 0;
  if (hasOpt) {
    packet[11] = 1;
    packet[recordsEnd + 2] = TYPE.OPT;
    writeWord(packet, recordsEnd + 3, maxUdpSize);
    packet[recordsEnd + 5] = rcode >>> 4;
    packet[recordsEnd + 7] = isDnssecOk ? 0x80 : 0;
  }
  return packet;
}

export function parseAddresses(addresses: readonly string[]): Uint32Array {
  return Uint32Array.from(addresses, addressNumber);
}

/** Zero beyond the end, so that loops over malformed messages end. */
const at = (bytes: Uint8Array, position: number): number => bytes[position] ?? 0;

const word = (bytes: Uint8Array, position: number): number => (at(bytes, position) << 8) | at(bytes, position + 1);

function writeWord(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 8;
  bytes[position + 1] = value;
}
