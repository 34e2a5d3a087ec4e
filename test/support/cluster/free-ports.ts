/** Ports on which nothing listens. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Below those that the kernel gives to connections (32768 to 60999): none of them takes a port that was free a moment ago. */
const [FIRST, END] = [20_500, 32_000];

export async function freePort(address = '127.0.0.1'): Promise<number> {
  const [port = 0] = await freePorts(1, address);
  return port;
}

/** By TCP and by UDP. Held all at once, so that they differ. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<readonly number[]> {
  const held: Held[] = [];
  try {
    for (let tries = 0; held.length < count; tries++) {
      const one = await hold(FIRST + Math.floor(Math.random() * (END - FIRST)), address).catch((error: unknown) => {
        if (tries > 1_000 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      });
      if (one !== undefined) held.push(one);
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ letGo }) => letGo()));
  }
}

interface Held {
  readonly port: number;
  readonly letGo: () => Promise<void>;
}

async function hold(port: number, address: string): Promise<Held> {
  const tcp = createServer();
  await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(port, address, resolve));
  const closeTcp = () => new Promise<void>((resolve) => tcp.close(() => resolve()));
  const udp = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(port, address, resolve));
  } catch (error) {
    await closeTcp();
    throw error;
  }
  return { port, letGo: async () => void (await Promise.all([closeTcp(), new Promise<void>((resolve) => udp.close(resolve))])) };
}
