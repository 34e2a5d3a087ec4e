/** The status of an answer that goes over a naked socket, for the one that waits for it (pure but for what is remembered of sockets). */
import type { Duplex } from 'node:stream';

const listeners = new WeakMap<Duplex, (status: number) => void>();

/** Calls the listener once, with the status of the next answer on a socket that was taken from node:http. */
export function whenAnswered(socket: Duplex, listener: (status: number) => void): void {
  listeners.set(socket, listener);
}

export function forgetAnswered(socket: Duplex): void {
  listeners.delete(socket);
}

/** Called where the head of the answer is written. */
export function noteAnswered(socket: Duplex, status: number): void {
  const listener = listeners.get(socket);
  listeners.delete(socket);
  listener?.(status);
}
