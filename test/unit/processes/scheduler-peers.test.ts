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

  it('say which schema they read; those of before say nothing, and read the first; one that has ended counts no more', () => {
    let now = 0;
    const peers = createPeers(() => now);
    peers.heard({ name: 's2', url: 'https://10.0.0.2:2376' });
    peers.heard({ name: 's3', url: 'https://10.0.0.3:2376', schema: 2 });
    assert.deepEqual([peers.withoutSchema(1), peers.withoutSchema(2), peers.withoutSchema(3)], [[], ['s2'], ['s2', 's3']]);
    peers.heard({ name: 's2', url: 'https://10.0.0.2:2376', gone: true });
    assert.deepEqual(peers.withoutSchema(2), []);
    now = 700_000;
    assert.deepEqual(peers.withoutSchema(3), []);
  });
});
