/**
 * Terminals of a page: an exec in a container, or what its own process says, by a WebSocket (RFC 6455) that a ticket opens. Effects: asks Engines, joins a
 * socket with an Engine's stream. Bytes go both ways as they are; a text message of the page says how many of them it has shown, and the Engine's stream
 * is read no further than a little ahead of that: a browser keeps all that comes, so what floods is held back where it is made.
 */
import http, { type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { EngineEndpoint } from '../../contracts/index.ts';
import { engineError, engineRequest, readMessage } from '../../engine/index.ts';
import { ArpanetError, type ContainerView } from '../../model/index.ts';
import { identityOf } from '../../security/index.ts';
import { createSkip, type Skip } from './skip.ts';
import { createTickets } from './tickets.ts';

/** What a page asks for. */
export interface TerminalRequest {
  /** Name or id. */
  readonly container?: string;
  /** Absent: a shell. */
  readonly command?: readonly string[] | null;
  /** What the container itself says and reads, in place of a command. */
  readonly attach?: boolean;
}

/** What opens the socket, and what comes through it. */
export interface TerminalTicket {
  readonly ticket: string;
  /** For `POST /exec/{id}/resize`; absent: it is attached. */
  readonly exec?: string;
  /** False: it has no terminal; its output comes in frames of 8 bytes and a part (Docker API, containers/{id}/attach). */
  readonly isRaw: boolean;
}

export interface Terminals {
  /** Throws what an Engine refuses. */
  readonly prepare: (client: object, container: ContainerView, request: TerminalRequest) => Promise<TerminalTicket>;
  /** Resolves when it has ended. Throws `unauthorized` for a ticket that is none, or not of who asks. */
  readonly accept: (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
}

interface TerminalDeps {
  /** Throws `unavailable`, `not-found`. */
  readonly engine: (host: string) => EngineEndpoint;
  /** The leadership is over. */
  readonly ended: () => AbortSignal;
  readonly now: () => number;
}

interface Opening {
  readonly host: string;
  /** Of the Engine, and its body. */
  readonly path: string;
  readonly body: string;
  /** It is of a terminal: no frames are in it. */
  readonly isRaw: boolean;
}

/** So far ahead of what the page has shown the Engine's stream is read: what a terminal draws in some 20 ms. */
const AHEAD_BYTES = 128 << 10;
/** A page cuts what is pasted. */
const MOST_INPUT_BYTES = 64 << 10;
const CTRL_C = 3;
const TICKET_MS = 10_000;
const HEARTBEAT_MS = 15_000;
const PROTOCOL = 'arpanet.terminal';
/** The best shell that the image has. */
const SHELL = ['/bin/sh', '-c', 'if command -v bash >/dev/null; then exec bash; else exec sh; fi'];
/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001;
const UNSUPPORTED = 1003;

const whoOf = (request: object): string => JSON.stringify(identityOf(request) ?? null);

/** Tickets are this process's: one of a leader before opens nothing. What it gives throws `unauthorized`, `unavailable`, `engine`. */
export function createTerminals({ engine, ended, now }: TerminalDeps): Terminals {
  const tickets = createTickets<Opening>(now, TICKET_MS);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MOST_INPUT_BYTES,
    handleProtocols: (asked) => (asked.has(PROTOCOL) ? PROTOCOL : false),
  });
  return {
    async prepare(client, { id, host, facts }, { command, attach = false }) {
      const issue = (path: string, body: string, isRaw: boolean): string => tickets.issue(whoOf(client), { host, path, body, isRaw });
      if (attach) {
        const isRaw = facts.inspect.Config.Tty === true;
        return { ticket: issue(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, '', isRaw), isRaw };
      }
      const { status, body } = await engineRequest(
        { agent: engine(host).agent },
        {
          method: 'POST',
          path: `/containers/${id}/exec`,
          body: {
            AttachStdin: true,
            AttachStdout: true,
            AttachStderr: true,
            Tty: true,
            Env: ['TERM=xterm-256color'],
            Cmd: command ?? SHELL,
          },
        },
      );
      if (status !== 201) throw engineError(status, body.toString());
      const { Id: exec } = JSON.parse(body.toString()) as { readonly Id: string };
      return { ticket: issue(`/exec/${exec}/start`, JSON.stringify({ Detach: false, Tty: true }), true), exec, isRaw: true };
    },
    async accept(req, socket, head) {
      const said = (req.headers['sec-websocket-protocol'] ?? '').split(/ *, */);
      const opening = tickets.take(whoOf(req), said.find((one) => one !== PROTOCOL) ?? '');
      if (opening === undefined)
        throw new ArpanetError('unauthorized', 'this ticket is unknown, another user’s, used, or older than 10 s: ask for another');
      const stop = new AbortController();
      const end = (): void => stop.abort();
      const over = ended();
      socket.once('close', end);
      over.addEventListener('abort', end, { once: true });
      try {
        const upstream = await hijacked(await engine(opening.host).dial(stop.signal), opening, stop.signal);
        await new Promise<void>((resolve) => {
          upstream.once('close', resolve);
          server.handleUpgrade(req, socket, head, (page) => join(page, upstream, opening.isRaw, stop.signal));
        });
      } finally {
        over.removeEventListener('abort', end);
      }
    },
  };
}

/** The Engine's stream of it. Throws what the Engine refuses. */
function hijacked(tunnel: Duplex, { path, body }: Opening, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => tunnel.destroy(), { once: true });
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'tcp',
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    };
    const call = http.request({ method: 'POST', path, headers, createConnection: () => tunnel });
    call.once('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    call.once('response', (answer) => {
      readMessage(answer).then((message) => reject(engineError(answer.statusCode ?? 502, message)), reject);
    });
    call.once('error', (cause) => reject(new ArpanetError('unavailable', 'the connection to the host was lost', { cause })));
    call.end(body);
  });
}

function join(page: WebSocket, upstream: Duplex, isRaw: boolean, signal: AbortSignal): void {
  let aheadBytes = 0;
  let isHeld = false;
  const beat = setInterval(() => page.ping(), HEARTBEAT_MS);
  const show = (chunk: Buffer): void => {
    page.send(chunk);
    aheadBytes += chunk.length;
    if (aheadBytes > AHEAD_BYTES) upstream.pause();
  };
  /** Takes what is on the way since an interrupt. */
  let skip: Skip | undefined;
  upstream.on('data', (chunk: Buffer) => (skip === undefined ? show(chunk) : skip.take(chunk)));
  upstream.on('error', () => upstream.destroy());
  upstream.once('end', () => {
    skip?.end();
    upstream.destroy();
  });
  upstream.once('close', () => {
    clearInterval(beat);
    page.close(signal.aborted ? GOING_AWAY : undefined);
  });
  page.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      if (isRaw && skip === undefined && upstream.isPaused() && data.includes(CTRL_C)) {
        skip = createSkip((last) => {
          skip = undefined;
          show(last);
        });
        upstream.resume();
      }
      // messages that came together still come after the pause
      if (upstream.write(data) || isHeld) return;
      isHeld = true;
      page.pause();
      upstream.once('drain', () => {
        isHeld = false;
        page.resume();
      });
      return;
    }
    const shown = Number(data.toString());
    if (!(shown > 0 && shown <= aheadBytes)) return page.close(UNSUPPORTED, 'not a count of bytes that were shown');
    aheadBytes -= shown;
    if (aheadBytes <= AHEAD_BYTES / 2 || skip !== undefined) upstream.resume();
  });
  page.on('error', () => page.terminate());
  page.once('close', () => upstream.destroy());
}
