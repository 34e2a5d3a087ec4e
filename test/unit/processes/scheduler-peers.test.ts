import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPeers } from '../../../src/processes/scheduler-peers.ts';

describe('schedulers that the leader hears of', () => {
  it('are new at their first message, at another URL, and after they ended', () => {
    const peers = createPeers(() => 0);
    const [url, other] = ['https://10.0.0.2:2376', 'https://10.0.0.3:2376'];
    assert.deepEqual(
      [
        peers.heard({ name: 's2', url }),
        peers.heard({ name: 's2', url }),
        peers.heard({ name: 's2', url: other }),
        peers.heard({ name: 's2', url: other, gone: true }),
        peers.heard({ name: 's2', url: other }),
      ],
      [true, false, true, false, true],
    );
    assert.deepEqual(
      peers.list().map((peer) => peer.url),
      [other],
    );
  });
});
