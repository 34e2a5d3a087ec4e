import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchUnanswered } from '../../../src/docker-api/slow-request-log.ts';

describe('a request without an answer', () => {
  it('is named once; one that is answered, or streams, is not', async () => {
    const told: object[] = [];
    const watch = watchUnanswered({ warn: (fields: object) => void told.push(fields) } as never, 5, 20);
    const begin = (url: string) => {
      const socket = { destroyed: false, bytesWritten: 100 };
      return { socket, isDone: watch.begin({ method: 'POST', url, socket } as unknown as IncomingMessage, `id-${url}`) };
    };
    begin('/hangs');
    begin('/streams').socket.bytesWritten += 1;
    begin('/answered').isDone();
    await sleep(80);
    watch.close();
    assert.deepEqual(
      told.map((fields) => [Reflect.get(fields, 'url'), Reflect.get(fields, 'requestId')]),
      [['/hangs', 'id-/hangs']],
    );
  });

  it('is waited for by who stops, for a time; one that streams, or came later, is not', async () => {
    const watch = watchUnanswered({ warn: () => undefined } as never);
    const begin = () => {
      const socket = { destroyed: false, bytesWritten: 100 };
      return { socket, isDone: watch.begin({ socket } as unknown as IncomingMessage, 'id') };
    };
    const [create, logs] = [begin(), begin()];
    logs.socket.bytesWritten += 1;
    let isSettled = false;
    const settled = watch.settled(60_000).then(() => (isSettled = true));
    begin();
    await sleep(30);
    assert.equal(isSettled, false);
    create.isDone();
    await settled;
    await watch.settled(1);
    watch.close();
  });
});
