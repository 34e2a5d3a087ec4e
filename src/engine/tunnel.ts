/**
 * Effects: the client side of a host agent's engine gateway. A tunnel is one connection to a remote Engine: after the upgrade
 * (`GET /engine`, `Upgrade: tunnel`, token, epoch) every byte goes to the Engine's own socket and back.
 */
import { setMaxListeners } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { Logger } from '../telemetry/log.ts';
import { inBackground } from '../telemetry/faults.ts';
import { MOVED } from './reused-read-buffer.ts';
import { openUpgrade } from './upgrade.ts';
import { ArpanetError } from '../model/errors.ts';
import { parseHostPort } from '../text/host-port.ts';

/** An address to connect to; IPv6 without brackets. */
export interface HostPort {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

export interface TunnelOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  readonly epoch: number;
  /** A port as that host reaches it, instead of its Engine. */
  readonly to?: HostPort | undefined;
  /** The caller's URL, if it leads: the host's agent joins it there. */
  readonly leader?: string | undefined;
  readonly tls?: ConnectionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/**
 * One tunnel. Throws `unavailable` or `timeout` (names the host), `unauthorized` (wrong token), `not-leader` (the host has seen a
 * higher epoch than ours: another leads now).
 */
export function openTunnel(options: TunnelOptions): Promise<Socket> {
  const { token, epoch, leader, to, ...rest } = options;
  const own = leader === undefined ? {} : { 'Arpanet-Leader': leader };
  const proof = rest.tls === undefined ? { Authorization: `Bearer ${token}` } : {};
  const headers = { ...proof, 'Arpanet-Epoch': String(epoch), ...own };
  const path = to === undefined ? '/engine' : `/port/${to.address}/${to.port}`;
  return openUpgrade({ ...rest, path, protocol: 'tunnel', headers, what: `engine gateway ${options.host}:${options.port}` });
}

/** A pooled tunnel that is unused for this long is closed. */
const IDLE_MS = 20_000;

/** `HOST:PORT` of an engine gateway in parts. Throws `invalid`. */
export function splitHostPort(text: string): { readonly host: string; readonly port: number } {
  const found = parseHostPort(text);
  if (found === undefined) throw new ArpanetError('invalid', `"${text}" is not of the form HOST:PORT`);
  return found;
}

/** Where a gateway is, and by what it lets this process in. */
export interface EngineAgentOptions {
  /** `host:port` of the gateway. */
  readonly gateway: string;
  readonly token: string;
  readonly epoch: number;
  /** How the gateway is reached by TLS, asked for each connection; undefined: it speaks plain HTTP, and is shown the token. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  readonly log: Logger;
}

/** An `http.Agent` whose connections are tunnels: `http.request({ agent })` and http-proxy then reach that host's Engine. */
export interface EngineAgent extends http.Agent {
  /** A new tunnel outside the pool, for a hijack, or to a port of the host. The caller owns it. Throws as `openTunnel`. */
  dial(signal?: AbortSignal, to?: HostPort): Promise<Socket>;
  /** How many tunnels are open, hijacks too. */
  open(): number;
  /** Its host is lost: ends every tunnel and every dial with this error, hijacks too. The agent is of no use afterwards. */
  cut(error: Error): void;
}

class TunnelAgent extends http.Agent implements EngineAgent {
  readonly #options: EngineAgentOptions;
  readonly #closing = new AbortController();
  readonly #cut = new AbortController();
  readonly #tunnels = new Set<Socket>();

  constructor(options: EngineAgentOptions) {
    super({ keepAlive: true, maxFreeSockets: 32, scheduling: 'lifo', timeout: IDLE_MS });
    this.#options = options;
    setMaxListeners(0, this.#closing.signal, this.#cut.signal); // as many as there are dials under way
  }

  /** One pool, whatever host name the request has. */
  override getName(): string {
    return 'engine';
  }

  override createConnection(_options: unknown, done?: (error: Error | null, socket: Duplex) => void): undefined {
    inBackground(this.#options.log, 'a new tunnel', this.#connect(done));
  }

  async #connect(done?: (error: Error | null, socket: Duplex) => void): Promise<void> {
    try {
      const socket = await this.dial(this.#closing.signal);
      // Half-open sockets are for hijacks: a pooled tunnel that the Engine closed must leave the pool, not take one more request.
      socket.once('end', () => {
        if (this.freeSockets['engine']?.includes(socket)) socket.destroy();
      });
      done?.(null, socket);
    } catch (error) {
      this.#options.log.debug({ gateway: this.#options.gateway, err: error }, 'cannot open a tunnel');
      done?.(error as Error, undefined as unknown as Duplex);
    }
  }

  async dial(signal?: AbortSignal, to?: HostPort): Promise<Socket> {
    const { gateway, token, epoch, tls } = this.#options;
    const cut = this.#cut.signal;
    const either = signal === undefined ? cut : AbortSignal.any([signal, cut]);
    const socket = await openTunnel({ ...splitHostPort(gateway), token, epoch, tls: tls?.(), signal: either, to }).catch(
      (error: unknown) => {
        throw cut.aborted ? (cut.reason as Error) : error;
      },
    );
    this.#own(socket);
    if (cut.aborted) socket.destroy(cut.reason as Error);
    return socket;
  }

  #own(socket: Socket): void {
    this.#tunnels.add(socket);
    // a tunnel that waits in the pool for its next request has nobody else who listens
    socket
      .on('error', () => undefined)
      .once('close', () => this.#tunnels.delete(socket))
      .once(MOVED, (moved: Socket) => this.#own(moved));
  }

  open(): number {
    return this.#tunnels.size;
  }

  cut(error: Error): void {
    // before the signal, which would end them with an error of its own
    for (const socket of this.#tunnels) socket.destroy(error);
    this.#cut.abort(error);
    this.destroy();
  }

  override destroy(): void {
    this.#closing.abort();
    super.destroy();
  }
}

/** The agent of one host's gateway. `destroy()` closes every pooled tunnel and every dial under way; hijacks continue. */
export function createEngineAgent(options: EngineAgentOptions): EngineAgent {
  return new TunnelAgent(options);
}
