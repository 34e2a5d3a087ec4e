/** An exec that says `y` without end, as `yes` does, on Engines of plain data. Ctrl-C ends it. */
import type { Duplex } from 'node:stream';
import type { FakeAgent } from './fake-agent.ts';

const CHUNK = Buffer.from('y\r\n'.repeat(10_000));
const CTRL_C = 3;

/** `sentBytes`: what the Engines have got rid of, of all execs together. */
export function floodedExec(agents: readonly Pick<FakeAgent, 'engine'>[]): { readonly sentBytes: () => number } {
  let sentBytes = 0;
  for (const { engine } of agents) {
    const { otherwise } = engine;
    engine.otherwise = (asked) => {
      if (asked.route.endsWith('/exec')) return { status: 201, body: { Id: 'flood' } };
      if (asked.route.endsWith('/resize')) return { status: 200 };
      if (otherwise === undefined) throw new Error(`fake-engine: ${asked.route} is not here`);
      return otherwise(asked);
    };
    engine.server.on('upgrade', (_request, socket: Duplex) => {
      let isOver = false;
      socket.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      socket.on('data', (typed: Buffer) => {
        if (!typed.includes(CTRL_C)) return;
        isOver = true;
        socket.write('\r\nstopped by Ctrl-C\r\n');
      });
      const pour = (): void => {
        if (isOver || socket.destroyed) return;
        socket.write(CHUNK, () => {
          sentBytes += CHUNK.length;
          setImmediate(pour);
        });
      };
      pour();
    });
  }
  return { sentBytes: () => sentBytes };
}
