import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchUnanswered } from '../../src/docker-api/unanswered.ts';

describe('a request without an answer', () => {
  it('is named once; one that is answered, or streams, is not', async () => {
    const told: object[] = [];
    const watch = watchUnanswered({ warn: (fields: object) => void told.push(fields) } as never, 5, 20);
    const socket = { destroyed: false };
    const begin = (url: string, res: object) =>
      watch.begin({ method: 'POST', url, socket } as IncomingMessage, res as ServerResponse, `id-${url}`);
    begin('/hangs', { headersSent: false, socket });
    begin('/streams', { headersSent: true, socket });
    begin('/hijacked', { headersSent: false, socket: null });
    begin('/answered', { headersSent: false, socket })();
    await sleep(80);
    watch.close();
    assert.deepEqual(
      told.map((fields) => [Reflect.get(fields, 'url'), Reflect.get(fields, 'requestId')]),
      [['/hangs', 'id-/hangs']],
    );
  });
});
