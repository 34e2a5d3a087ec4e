/** Whether something listens, as seen from this host: its bridges carry the call the way a container's would go. Effects: one TCP connection. */
import { connect } from 'node:net';
import type { DialResult } from '../../model/facts.ts';

const PATIENCE_MS = 3_000;

export function dial(address: string, port: number): Promise<DialResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => end('silent', `no answer within ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
    const end = (outcome: DialResult['outcome'], why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ outcome, why });
    };
    socket.once('connect', () => end('open', ''));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent', error.code ?? error.message),
    );
  });
}
