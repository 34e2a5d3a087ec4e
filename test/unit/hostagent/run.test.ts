import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../../../src/hostagent/overlay/run.ts';

describe('a command by a shell that stays', () => {
  it('has its words as they are, whatever a shell would make of them', async () => {
    assert.equal(await run('printf', ['%s|', "a'b", '$HOME', '*', 'x  y', '`id`', 'z\n;', '']), "a'b|$HOME|*|x  y|`id`|z\n;||");
  });
  it('reads its input as it is, short or long', async () => {
    assert.equal(await run('cat', [], "$HOME `id` \\\n'quoted' EOF"), "$HOME `id` \\\n'quoted' EOF\n");
    const long = 'fdb append 00:00:00:00:00:00 dev arpv2 dst 10.0.0.1\n'.repeat(20_000);
    assert.equal(await run('cat', [], long), long);
  });
  it('has no input where none is given', async () => assert.equal(await run('cat', []), ''));
  it('fails with what it said, or that it cannot be run', async () => {
    await assert.rejects(run('sh', ['-c', 'echo nothing; echo no such device >&2; exit 3']), /^ArpanetError: sh -c .*: no such device$/);
    await assert.rejects(run('sh', ['-c', 'exit 3']), /: ended with 3$/);
    await assert.rejects(run('arpanet-no-such-command', ['-a']), /^ArpanetError: arpanet-no-such-command -a: cannot be run$/);
  });
  it('answers each caller, also when several ask at a time', async () => {
    const all = Array.from({ length: 20 }, (_, index) => run('printf', [String(index)]));
    assert.deepEqual(
      await Promise.all(all),
      Array.from({ length: 20 }, (_, index) => String(index)),
    );
  });
  it('is done when it ends, whatever a daemon that it left says from then on', async () => {
    const lines = 'i=0; while [ $i -lt 3000 ]; do echo late; echo late >&2; i=$((i+1)); done';
    assert.match(await run('sh', ['-c', `(${lines}) & echo begun`]), /begun\n/);
    assert.match(await run('printf', ['next']), /next/);
  });
  it('goes on after its shell was killed', async () => {
    await assert.rejects(run('sh', ['-c', 'kill -9 $PPID']), /not done within 10 s, or its shell was ended$/);
    assert.equal(await run('printf', ['again']), 'again');
  });
});
