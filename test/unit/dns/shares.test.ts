import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { createConnections, createCounter } from '../../../src/dns/shares.ts';

describe('the shares of askers', () => {
  it('one asker has no more than its share at once, and gets it back', () => {
    const counter = createCounter(2);
    assert.deepEqual(
      [1, 2, 3].map(() => counter.enter('a')),
      [true, true, false],
    );
    assert.equal(counter.enter('b'), true);
    counter.leave('a');
    assert.deepEqual([counter.enter('a'), counter.enter('a')], [true, false]);
  });

  it('one asker’s connections end before those of others, the oldest first, and a new one always has room', () => {
    const ended: string[] = [];
    const connections = createConnections(6, 4);
    const open = (asker: string, n: number): Socket => {
      const socket = Object.assign(new EventEmitter(), {
        destroy() {
          ended.push(`${asker}${n}`);
          socket.emit('close');
        },
      });
      connections.add(socket as unknown as Socket, asker);
      return socket as unknown as Socket;
    };
    const first = open('b', 1);
    for (let n = 1; n <= 5; n++) open('a', n);
    assert.deepEqual(ended, ['a1'], 'its share');
    open('c', 1);
    open('d', 1);
    assert.deepEqual(ended, ['a1', 'a2'], 'there is room for all');
    first.destroy();
    open('c', 2);
    assert.deepEqual(ended, ['a1', 'a2', 'b1']);
    assert.equal([...connections].length, 6);
    for (let n = 10; n < 30; n++) open(`x${n}`, 1);
    assert.equal([...connections].length, 6);
  });
});
