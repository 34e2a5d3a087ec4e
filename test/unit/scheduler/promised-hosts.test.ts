import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPromisedHosts } from '../../../src/scheduler/placement/promised-hosts.ts';

describe('a host that a rehearsal has promised', () => {
  it('is that of the container for ten minutes, the last one that was said, if it fits', () => {
    let nowMs = 1_000;
    const promised = createPromisedHosts(() => nowMs);
    const hostOf = (name: string, ...fits: string[]) => {
      const scored = fits.map((host) => ({ host, score: 1, figures: {} }));
      return promised.kept(name, { host: fits[0] ?? '', strategy: 'spread', atMs: nowMs, scored, refused: [] }).host;
    };
    promised.hold('web-1', 'h1');
    promised.hold('web-1', 'h2');
    assert.equal(hostOf('web-1', 'h1', 'h2'), 'h2');
    assert.equal(hostOf('web-2', 'h1', 'h2'), 'h1');
    assert.equal(hostOf('0123456789ab_web-1', 'h1', 'h2'), 'h2', 'compose is about to recreate it');
    assert.equal(hostOf('web-1', 'h1', 'h3'), 'h1', 'it does not fit there any more');
    nowMs += 10 * 60_000;
    assert.equal(hostOf('web-1', 'h1', 'h2'), 'h1');
  });
});
