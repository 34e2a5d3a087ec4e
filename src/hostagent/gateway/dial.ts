/** Effects: one TCP connection, to learn whether something listens. From this host it takes the same bridges as from a container on it. */
import { connect } from 'node:net';
import type { DialResult } from '../../model/facts.ts';

const TIMEOUT_MS = 3_000;

/** Resolves after 3 s at the latest; never rejects. */
export function dial(address: string, port: number): Promise<DialResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => end('silent', `no answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
    const end = (outcome: DialResult['outcome'], reason: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ outcome, why: reason });
    };
    socket.once('connect', () => end('open', ''));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent', error.code ?? error.message),
    );
  });
}
