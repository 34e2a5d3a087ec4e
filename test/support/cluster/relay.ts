/** A TCP relay whose line can be cut, slowed and healed. Effects: sockets. Cut, it refuses nothing and passes nothing, as a network that drops packets. */
import net, { type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface Relay extends AsyncDisposable {
  readonly port: number;
  readonly isCut: boolean;
  cut(): void;
  /** What the target says arrives so much later; 0: at once. */
  slow(delayMs: number): void;
  /** What was held meanwhile goes on its way, late. */
  heal(): void;
}

export async function startRelay(listen: string, target: { readonly host: string; readonly port: number }): Promise<Relay> {
  const pairs = new Set<readonly [Socket, Socket, Transform]>();
  const waiting = new Set<Socket>();
  let isCut = false;
  let delayMs = 0;
  const late = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        if (delayMs === 0) done(null, chunk);
        else setTimeout(done, delayMs, null, chunk);
      },
    });
  const join = (client: Socket): void => {
    const upstream = net.connect({ ...target, allowHalfOpen: true });
    const answers = late();
    const pair = [client, upstream, answers] as const;
    pairs.add(pair);
    client.pipe(upstream);
    upstream.pipe(answers).pipe(client);
    const end = (): void => {
      pairs.delete(pair);
      for (const side of pair) side.destroy();
    };
    for (const side of [client, upstream]) side.on('error', end).on('close', end);
  };
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    if (!isCut) return join(client);
    waiting.add(client);
    client.once('close', () => waiting.delete(client));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, listen, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get isCut() {
      return isCut;
    },
    cut() {
      isCut = true;
      for (const [client, upstream, answers] of pairs) {
        client.unpipe(upstream).pause();
        upstream.unpipe(answers).pause();
        answers.unpipe(client).pause();
      }
    },
    slow(ms) {
      delayMs = ms;
    },
    heal() {
      if (!isCut) return;
      isCut = false;
      for (const [client, upstream, answers] of pairs) {
        client.pipe(upstream);
        upstream.pipe(answers).pipe(client);
      }
      for (const client of waiting) join(client);
      waiting.clear();
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const side of [...pairs].flat()) side.destroy();
      for (const client of waiting) client.destroy();
      await closed;
    },
  };
}
