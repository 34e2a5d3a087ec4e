import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { reuseReadBuffer, splice } from '../../../src/engine/index.ts';

const BODY = randomBytes(20_000_003);
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An echo behind a relay: what it gives back for BODY, read with a rest at the beginning, so that everything fills up. */
async function echoed(join: (client: Socket, upstream: Socket) => void): Promise<Buffer> {
  const options = { allowHalfOpen: true, pauseOnConnect: true };
  const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const relay = createServer(options, (client) => {
    const upstream = connect({ port: (echo.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    upstream.once('connect', () => join(client, upstream));
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const socket = connect({ port: (relay.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(BODY);
  await new Promise((wake) => setTimeout(wake, 200));
  const got = await buffer(socket);
  echo.close();
  relay.close();
  return got;
}

describe('a relay', () => {
  it('of sockets that are read into one buffer gives every byte, though the other side does not read for a while', async () => {
    const got = await echoed((accepted, dialled) => {
      const client: Socket = reuseReadBuffer(accepted, () => upstream);
      const upstream: Socket = reuseReadBuffer(dialled, () => client);
      splice(client, upstream);
    });
    assert.deepEqual([got.length, sha(got)], [BODY.length, sha(BODY)]);
  });

  it('of one such socket and one as it is does, too', async () => {
    const got = await echoed((client, dialled) =>
      splice(
        client,
        reuseReadBuffer(dialled, () => client),
      ),
    );
    assert.deepEqual([got.length, sha(got)], [BODY.length, sha(BODY)]);
  });

  it('of sockets as they are does, too', async () => {
    const got = await echoed(splice);
    assert.deepEqual([got.length, sha(got)], [BODY.length, sha(BODY)]);
  });

  for (const [what, handle] of [
    ['whose handle cannot be given a buffer, as in a Node.js that has dropped that internal,', { useUserBuffer: undefined }],
    ['whose handle has another name', undefined],
  ] as const) {
    it(`of sockets ${what} reads them the usual way, and gives every byte`, async () => {
      const kept: boolean[] = [];
      const without = (socket: Socket): Socket => {
        const own = Reflect.get(socket, '_handle') as object;
        // for as long as reuseReadBuffer looks at it
        const shown = handle === undefined ? undefined : Object.assign(Object.create(own) as object, handle);
        Reflect.set(socket, '_handle', shown);
        const read = (to: () => Socket): Socket => {
          const used = reuseReadBuffer(socket, to);
          kept.push(used === socket);
          Reflect.set(socket, '_handle', own);
          return used;
        };
        return read(() => other(socket));
      };
      let pair: readonly [Socket, Socket];
      const other = (socket: Socket): Socket => (socket === pair[0] ? pair[1] : pair[0]);
      const got = await echoed((accepted, dialled) => {
        pair = [accepted, dialled];
        splice(without(accepted), without(dialled));
      });
      assert.deepEqual([got.length, sha(got)], [BODY.length, sha(BODY)]);
      assert.deepEqual(kept, [true, true]);
    });
  }

  it('reads what is no socket the usual way', async () => {
    const from = new PassThrough();
    const to = new PassThrough();
    const same = reuseReadBuffer(from, () => to);
    assert.equal(same, from);
    from.write('a');
    same.once('end', () => to.end()).resume();
    from.end('b');
    assert.equal((await buffer(to)).toString(), 'ab');
  });
});
