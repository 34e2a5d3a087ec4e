/** Effects: one TCP connection, closed at once. */
import net from 'node:net';
import { splitHostPort } from '../../engine/tunnel.ts';

/** Whether a machine answers at this address: it accepts, or refuses, within so many ms. Nothing need listen there. Never rejects. */
export function isReached(gateway: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(splitHostPort(gateway));
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    let does = false;
    socket.once('connect', () => {
      does = true;
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => (does = error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET'));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(does);
    });
  });
}
