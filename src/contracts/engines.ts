/** The ways to the hosts' Engines. */
import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** One host's Engine: an http.Agent whose sockets are tunnels through the host's agent, and a raw tunnel for hijacked connections. */
export interface EngineEndpoint {
  readonly agent: Agent;
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
}

export interface Engines {
  /** Throws `unavailable` when the host is not alive, `not-found` when it is no member. */
  readonly endpoint: (host: string) => EngineEndpoint;
  /** A connection to a TCP port, as that host itself would reach it. Throws as `endpoint`, and when nothing listens there. */
  readonly openPort: (host: string, to: { readonly address: string; readonly port: number }, signal: AbortSignal) => Promise<Socket>;
}
