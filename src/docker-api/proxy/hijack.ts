/**
 * Effects: two sockets become one. For attach, exec, BuildKit (hijack: both ways, half-close travels) and for long answers (relay: the head is
 * ours, every later byte passes unread, which is what makes `logs` and `cp` as fast as without us).
 *
 * What keeps it safe: until the other side has switched protocols, only the body that the request declared goes up. A client whose upgrade is
 * refused can therefore never talk past the endpoint on that connection, which is closed after the refusal.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { reuseReadBuffer, reset, watchHalfOpen } from '../../engine/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { asNakedStream } from '../limits/connections.ts';
import { noteAnswered } from './answered.ts';
import { bulkTo } from './coalescing-pipe.ts';
import { answerTo, errorBody, errorHeaders } from '../errors.ts';
import { hopByHop } from '../guards.ts';

const HEAD_LIMIT_BYTES = 256 * 1024;
const HELD_LIMIT_BYTES = 1024 * 1024;
/** How long a client may leave its half open once the other side is done. */
const LINGER_MS = 10_000;
/** A client that vanished without closing is detected after this; one that had half closed when its kernel forgets it, a minute later. */
const KEEPALIVE_MS = 15_000;
/** What a client had said before it half closed and left has this long to reach the Engine. */
const LAST_WORDS_MS = 2_000;
const HEAD_END = Buffer.from('\r\n\r\n');

export interface Joint {
  readonly client: Duplex;
  /** What came with the request's head: its body, perhaps more. */
  readonly clientHead: Buffer;
  readonly upstream: Duplex;
  readonly requestHead: string;
  /** Length of the body that belongs to the request. */
  readonly bodyBytes: number;
  readonly way: 'hijack' | 'relay';
  /** Put into the answer's head in place of what the other side says. */
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Called before the client can see that the stream ended. */
  readonly onEnd?: (() => void) | undefined;
}

/** The request's head as it goes up: the client's own headers, repeats and order kept. */
export function requestHead(
  req: IncomingMessage,
  path: string,
  change: { readonly keepUpgrade: boolean; readonly add?: Readonly<Record<string, string>> },
): string {
  const drop = new Set(['transfer-encoding', 'cookie', ...Object.keys(change.add ?? {}).map((name) => name.toLowerCase())]);
  if (!change.keepUpgrade) for (const name of hopByHop(req.headers)) drop.add(name);
  // an Engine switches protocols for an `Upgrade` that no `Connection` names (against RFC 9110 §7.8), and some clients rely on that
  drop.delete('upgrade');
  const lines = [`${req.method ?? 'GET'} ${path} HTTP/1.1`];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i] ?? '';
    if (!drop.has(name.toLowerCase())) lines.push(`${name}: ${req.rawHeaders[i + 1] ?? ''}`);
  }
  for (const [name, value] of Object.entries(change.add ?? {})) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Takes the socket of a request that sent no `Upgrade` away from node:http, for the old raw-stream style of attach and exec and for relays. The
 * request's body must have been read. Adding our `data` listener makes node:http's parser let go; its `close` listener stays and frees the parser.
 */
export function takeOver(req: IncomingMessage, res: ServerResponse): Socket {
  const { socket } = req;
  for (const event of ['data', 'end', 'drain', 'error', 'timeout']) socket.removeAllListeners(event);
  res.detachSocket(socket);
  socket.setTimeout(0);
  return socket;
}

/** Resolves when both sides are closed. */
export function joinSockets(joint: Joint): Promise<void> {
  const { client, way, signal } = joint;
  for (const side of [client, joint.upstream]) {
    if (side instanceof Socket) side.setNoDelay(true).setKeepAlive(true, KEEPALIVE_MS).setTimeout(0);
  }
  asNakedStream(client);
  return new Promise((resolve) => {
    let isAnswered = false;
    let hasEnded = false;
    let failure: Error | undefined;
    let lingering: NodeJS.Timeout | undefined;
    let bodyLeft = joint.bodyBytes;
    let heldBytes = 0;
    const held: Buffer[] = [];
    let head = Buffer.alloc(0);
    let take = headArrives;
    const upstream =
      way === 'relay'
        ? reuseReadBuffer(
            joint.upstream,
            () => client,
            (chunk) => take(chunk),
          )
        : joint.upstream;

    const beforeAnswer = (chunk: Buffer): void => {
      const body = chunk.subarray(0, bodyLeft);
      const rest = chunk.subarray(bodyLeft);
      bodyLeft -= body.length;
      if (body.length > 0) upstream.write(body);
      if (rest.length === 0) return;
      held.push(rest);
      heldBytes += rest.length;
      if (heldBytes > HELD_LIMIT_BYTES) client.pause();
    };
    const ended = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      joint.onEnd?.();
    };
    function headArrives(chunk: Buffer): void {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) {
        if (head.length > HEAD_LIMIT_BYTES) upstream.destroy(new Error('the answer has no end of head'));
        return;
      }
      const answer = readHead(head.subarray(0, end).toString('latin1'));
      const rest = head.subarray(end + HEAD_END.length);
      if (answer.status >= 100 && answer.status < 200 && answer.status !== 101) {
        head = Buffer.alloc(0);
        if (rest.length > 0) headArrives(rest);
        return;
      }
      if (way === 'hijack') upstream.off('data', headArrives).pause();
      isAnswered = true;
      noteAnswered(client, answer.status);
      const isSwitched = way === 'hijack' && (answer.status === 101 || answer.isRawStream);
      client.write(
        answerHead(answer, way === 'hijack' ? thoseSaid(answer, joint.answerHeaders) : joint.answerHeaders, !isSwitched),
        'latin1',
      );
      if (rest.length > 0) client.write(rest);
      if (isSwitched) {
        client.off('data', beforeAnswer);
        for (const chunk of held) upstream.write(chunk);
        client.pipe(upstream);
      } else if (way === 'hijack') upstream.end();
      if (way === 'relay') take = bulkTo(upstream, client);
      else upstream.pipe(client);
    }

    if (way === 'hijack') upstream.on('data', headArrives);
    upstream.on('end', () => {
      ended();
      client.unpipe(upstream);
      if (!isAnswered) refuseSocket(client, lost(), joint.answerHeaders);
      else if (way === 'relay') client.end();
      client.resume();
      lingering = setTimeout(() => client.destroy(), LINGER_MS);
    });
    upstream.on('error', (error) => {
      failure = error;
      upstream.destroy();
    });
    upstream.on('close', () => {
      ended();
      if (!isAnswered) refuseSocket(client, lost(failure), joint.answerHeaders);
      else if (!upstream.readableEnded) client.destroy();
      if (client.destroyed) settle();
    });
    client.on('data', beforeAnswer);
    const inputEnds = (): void => {
      // Of a relay's client nothing more is to come: it disconnected. A hijack's may still listen.
      if (way === 'relay' && !upstream.readableEnded) upstream.destroy();
      else if (!isAnswered) upstream.end();
    };
    client.on('end', inputEnds);
    client.on('error', () => client.destroy());
    client.on('close', () => {
      cutOff(upstream, client.readableEnded);
      settle();
    });
    watchHalfOpen(client);
    const abort = (): void => {
      // One that has no answer yet gets one: `upstream`'s close refuses it.
      if (isAnswered) client.destroy();
      else lingering ??= setTimeout(() => client.destroy(), LINGER_MS);
      cutOff(upstream, client.readableEnded);
    };
    signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      clearTimeout(lingering);
      signal.removeEventListener('abort', abort);
      resolve();
    };
    if (signal.aborted || client.destroyed) {
      abort();
      settle();
      return;
    }
    // In one piece, as it came: an Engine that attaches drops a body (dockerode sends one) that arrives with the head, and takes it for
    // standard input when it comes later.
    upstream.cork();
    upstream.write(joint.requestHead, 'latin1');
    if (joint.clientHead.length > 0) beforeAnswer(joint.clientHead);
    upstream.uncork();
    if (way === 'relay') upstream.resume();
    client.resume();
    // said while the tunnel was dialled, and nobody listened
    if (client.readableEnded) inputEnds();
  });
}

/**
 * The client is gone. A reset, because a FIN would only say that its input ended, and the agent would keep its sockets for as long as the container
 * says nothing.
 */
function cutOff(upstream: Duplex, hasLastWords: boolean): void {
  if (!(upstream instanceof Socket) || upstream.destroyed) {
    upstream.destroy();
    return;
  }
  if (!hasLastWords || upstream.readableEnded) {
    reset(upstream);
    return;
  }
  upstream.end();
  const timer = setTimeout(() => reset(upstream), LAST_WORDS_MS);
  upstream.once('close', () => clearTimeout(timer));
  upstream.unpipe().resume();
}

/** With the reason of the one who cut it, if somebody did. */
const lost = (failure?: Error): ArpanetError =>
  failure instanceof ArpanetError ? failure : new ArpanetError('unavailable', 'the connection to the host was lost before it answered');

interface AnswerHead {
  readonly status: number;
  readonly statusLine: string;
  readonly lines: readonly string[];
  /** The Engine's hijack of clients that sent no Upgrade: no length, the stream itself is what follows. */
  readonly isRawStream: boolean;
}

function readHead(text: string): AnswerHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 502);
  const has = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  const isRawStream =
    status === 200 &&
    has(/^content-type: application\/vnd\.docker\.(raw|multiplexed)-stream/i) &&
    !has(/^(content-length|transfer-encoding):/i);
  return { status, statusLine, lines, isRawStream };
}

function answerHead(answer: AnswerHead, own: Readonly<Record<string, string>>, isLast: boolean): string {
  const drop = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  if (isLast) for (const name of ['connection', 'keep-alive']) drop.add(name);
  const kept = answer.lines.filter((line) => !drop.has(line.slice(0, line.indexOf(':')).toLowerCase()));
  const added = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
  return `${[answer.statusLine, ...kept, ...added, ...(isLast ? ['Connection: close'] : [])].join('\r\n')}\r\n\r\n`;
}

/** On a connection that it hijacked, an Engine says less about itself, and so do we. */
function thoseSaid(answer: AnswerHead, own: Readonly<Record<string, string>>): Record<string, string> {
  const said = new Set(['arpanet-request-id', ...answer.lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase())]);
  return Object.fromEntries(Object.entries(own).filter(([name]) => said.has(name.toLowerCase())));
}

/** Answers an error on a naked socket and closes it. `own` has the request's id. */
export function refuseSocket(socket: Duplex, error: unknown, own: Readonly<Record<string, string>>): void {
  if (socket.destroyed || socket.writableEnded) return;
  const answer = answerTo(error, own['Arpanet-Request-Id'] ?? '');
  noteAnswered(socket, answer.status);
  const body = errorBody(answer.message);
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...own,
    ...errorHeaders(answer),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.on('error', () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  socket.resume();
}
