/** What open pages cost the leader together. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it, mock } from 'node:test';
import type { Request, Response } from 'express';
import { createWatches, type Live } from '../../../src/operator-api/live/watch.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalObserved } from '../../support/fakes/literal-observed.ts';

describe('watches of people that see different deployments', () => {
  it('have one look at the cluster together, and one rest after it', (context) => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    context.after(() => mock.timers.reset());
    const ended = new AbortController();
    context.after(() => ended.abort());
    const listeners: (() => void)[] = [];
    let looks = 0;
    let rows = 0;
    const sent: string[] = [];
    const watch = createWatches(quietLog);
    const open = (who: string): void => {
      const live: Live = {
        observe() {
          looks++;
          const sinceMs = performance.now();
          while (performance.now() - sinceMs < 30);
          return literalObserved();
        },
        rows: () => new Map([[who, String(++rows)]]),
        onChange: (listener) => void listeners.push(listener),
        onEvent: () => undefined,
        ended: ended.signal,
      };
      const response = Object.assign(new EventEmitter(), {
        writableLength: 0,
        writeHead: () => undefined,
        write: (text: string) => sent.push(`${who} ${text}`),
        end: () => undefined,
      });
      watch(who, live, { resume: () => undefined, headers: {}, query: {} } as unknown as Request, response as unknown as Response);
    };
    for (const who of ['ada', 'bob', 'eve']) open(who);
    const change = (): void => {
      for (const listener of listeners) listener();
    };
    looks = 0;
    sent.length = 0;
    change();
    mock.timers.tick(1_000);
    assert.equal(looks, 1);
    assert.deepEqual(
      sent.map((text) => text.slice(0, 3)),
      ['ada', 'bob', 'eve'],
    );
    change();
    // 30 ms cost 3 s at least, of all of them
    mock.timers.tick(2_900);
    assert.equal(looks, 1);
    mock.timers.tick(120_000);
    assert.ok(looks > 1);
  });
});
