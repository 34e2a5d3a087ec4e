/** Effects: forwards queries to other DNS servers, byte for byte except the id and the case of the question (query-case.ts), until one answers. Sockets, /etc/resolv.conf. By TCP where the query came so (RFC 7766). */
import { Buffer } from 'node:buffer';
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect, isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { mixCase, repeats, withCaseOf } from './query-case.ts';

export interface NameServer {
  readonly host: string;
  readonly port: number;
}

export interface Forwarder {
  /** The answer with the query's own id; undefined if no server answers in time. Never rejects. `limitMs`: for each server and transport, in place of the forwarder's. */
  readonly ask: (query: Buffer, servers: readonly NameServer[], transport: 'udp' | 'tcp', limitMs?: number) => Promise<Buffer | undefined>;
  readonly close: () => void;
}

/** As glibc does (MAXNS in resolv.h). */
const maxServers = 3;
/** Queries that may wait at one time; more are not forwarded. */
const maxWaiting = 1000;

/** A server that did not keep the case of a question is tried again after this. */
const CARELESS_MS = 10 * 60_000;

const placeOf = ({ host, port }: NameServer): string => `${host} ${port}`;

/** `timeoutMs`: for each server and transport. */
export function createForwarder({ timeoutMs = 2000 }: { readonly timeoutMs?: number } = {}): Forwarder {
  let isClosed = false;
  let waiting = 0;
  const tries = new Set<AbortController>();
  /** Servers that do not keep the case of a question. */
  const careless = new LRUCache<string, true>({ max: 64, ttl: CARELESS_MS });
  const inTime = async (limitMs: number, act: (signal: AbortSignal) => Promise<Buffer>): Promise<Buffer | undefined> => {
    const limit = new AbortController();
    tries.add(limit);
    const timer = setTimeout(() => limit.abort(), limitMs); // not AbortSignal.timeout in .any: Node 20 may collect it before it fires
    try {
      return await act(limit.signal);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      tries.delete(limit);
    }
  };

  /**
   * The same question by TCP, where nobody forges an answer who is not on the way. A server that says the same there in another case, or says nothing there, does
   * not keep the case: from now on it is asked without it. Unbound and Google's resolvers fall back in the same way.
   */
  async function confirmed(answer: Buffer, sent: Buffer, server: NameServer, limitMs: number): Promise<Buffer> {
    const said = await inTime(limitMs, (signal) => askTcp(sent, server, signal));
    if (said === undefined || repeats(said, sent) === 'unproven') careless.set(placeOf(server), true);
    return said ?? answer;
  }

  return {
    ask: async (query, servers, transport, limitMs = timeoutMs) => {
      if (waiting >= maxWaiting) return undefined;
      waiting += 1;
      try {
        for (const server of servers.slice(0, maxServers)) {
          if (isClosed) return undefined;
          const keepsCase = !careless.has(placeOf(server));
          const sent = keepsCase ? mixCase(query, randomBytes(query.length)) : Buffer.from(query);
          sent.writeUInt16BE(randomInt(0x10000));
          let answer = await inTime(limitMs, (signal) => askUdp(sent, server, signal));
          if (answer && keepsCase && repeats(answer, sent) === 'unproven') answer = await confirmed(answer, sent, server, limitMs);
          // A client that asked by UDP gets the truncated answer and asks again by TCP.
          if (answer && isCut(answer) && transport === 'tcp')
            answer = (await inTime(limitMs, (signal) => askTcp(sent, server, signal))) ?? answer;
          if (!answer || isRefusal(answer)) continue;
          query.copy(answer, 0, 0, 2);
          return withCaseOf(answer, query);
        }
        return undefined;
      } finally {
        waiting -= 1;
      }
    },
    close: () => {
      isClosed = true;
      for (const each of tries) each.abort();
    },
  };
}

/** A connected socket for each query: port and id are hard to guess, and an ICMP refusal is reported at once. */
function askUdp(query: Buffer, { host, port }: NameServer, signal: AbortSignal): Promise<Buffer> {
  return new Promise<Buffer>((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    let isSettled = false;
    const settle = (act: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener('abort', abort);
      socket.close();
      act();
    };
    const fail = (error: unknown): void => settle(() => reject(error instanceof Error ? error : new Error('no answer', { cause: error })));
    const abort = (): void => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', fail);
    socket.once('connect', () => socket.send(query));
    socket.on('message', (answer) => {
      if (answers(answer, query)) settle(() => resolve(answer));
    });
    socket.connect(port, host);
  });
}

async function askTcp(query: Buffer, { host, port }: NameServer, signal: AbortSignal): Promise<Buffer> {
  const socket = connect({ host, port, signal });
  try {
    socket.write(Buffer.concat([Buffer.from([query.length >>> 8, query.length & 0xff]), query]));
    let got = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      got = Buffer.concat([got, chunk]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) continue;
      const answer = got.subarray(2, 2 + got.readUInt16BE(0));
      if (!answers(answer, query)) break;
      return answer;
    }
    throw new Error('the connection ended before the answer did');
  } finally {
    socket.destroy();
  }
}

/** The same id and, if the answer repeats the question, the same question; servers may change its case. */
function answers(answer: Buffer, query: Buffer): boolean {
  if (answer.length < 12 || ((answer[2] ?? 0) & 0x80) === 0 || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  return repeats(answer, query) !== 'other';
}

const isCut = (answer: Buffer): boolean => ((answer[2] ?? 0) & 0x02) !== 0;
/** SERVFAIL, NOTIMP, REFUSED: the next server may know. */
const isRefusal = (answer: Buffer): boolean => [2, 4, 5].includes((answer[3] ?? 0) & 0x0f);

/** The resolvers of the host, read again when the last reading is older than 5 s; none if the file cannot be read. */
export function hostResolvers(now: () => number, path = '/etc/resolv.conf'): () => Promise<readonly NameServer[]> {
  let last: { readonly atMs: number; readonly servers: Promise<readonly NameServer[]> } | undefined;
  return () => {
    if (!last || now() - last.atMs > 5000) last = { atMs: now(), servers: readFile(path, 'utf8').then(parseResolvConf, () => []) };
    return last.servers;
  };
}

export function parseResolvConf(text: string): readonly NameServer[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => ({ host: match[1] ?? '', port: 53 }));
}
