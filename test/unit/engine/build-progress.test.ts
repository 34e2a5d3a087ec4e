import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import protobuf from 'protobufjs/minimal.js';
import { createBuildProgress } from '../../../src/engine/build-progress.ts';

interface Step {
  readonly digest: string;
  readonly name: string;
  readonly isCached?: boolean;
  readonly hasBegun?: boolean;
}

/** As an Engine sends it: a StatusResponse in base64. */
function trace(steps: readonly Step[], logs: readonly string[] = []) {
  const all = protobuf.Writer.create();
  for (const { digest, name, isCached = false, hasBegun = true } of steps) {
    const vertex = protobuf.Writer.create().uint32(0x0a).string(digest).uint32(0x12).string('sha256:input').uint32(0x1a).string(name);
    if (isCached) vertex.uint32(0x20).bool(true);
    if (hasBegun) vertex.uint32(0x2a).bytes(protobuf.Writer.create().uint32(0x08).int64(1_700_000_000).finish());
    all.uint32(0x0a).bytes(vertex.finish());
  }
  for (const text of logs) {
    const log = protobuf.Writer.create().uint32(0x0a).string('sha256:a').uint32(0x18).int64(1).uint32(0x22).bytes(Buffer.from(text));
    all.uint32(0x1a).bytes(log.finish());
  }
  return { id: 'moby.buildkit.trace', aux: Buffer.from(all.finish()).toString('base64') };
}

describe('what BuildKit says', () => {
  it('is each step once, as it begins or is found in the cache, and what its command prints; its own work is not shown', () => {
    const { linesOf } = createBuildProgress();
    assert.deepEqual(linesOf(trace([{ digest: 'a', name: '[1/2] FROM busybox', hasBegun: false }])), []);
    assert.deepEqual(linesOf(trace([{ digest: 'a', name: '[1/2] FROM busybox', isCached: true }])), ['[1/2] FROM busybox (cached)']);
    assert.deepEqual(
      linesOf(
        trace([
          { digest: 'a', name: '[1/2] FROM busybox' },
          { digest: 'b', name: '[internal] load context' },
        ]),
      ),
      [],
    );
    assert.deepEqual(linesOf(trace([{ digest: 'c', name: '[2/2] RUN make' }], ['one\ntwo\n', 'thr\r\n'])), [
      '[2/2] RUN make',
      'one',
      'two',
      'thr',
    ]);
  });

  it('is nothing where it says nothing, and a classic builder is read, too', () => {
    const { linesOf } = createBuildProgress();
    assert.deepEqual(linesOf({ id: 'moby.image.id', aux: { ID: 'sha256:1' } }), []);
    assert.deepEqual(linesOf(null), []);
    assert.deepEqual(linesOf({ stream: 'Step 1/2 : FROM busybox\n' }), ['Step 1/2 : FROM busybox']);
  });
});
