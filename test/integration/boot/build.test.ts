/** What a build leaves behind when a program of it dies or it is ended: nothing, and least of all a mount whose files would be removed with the root. Of the programs there are stand-ins. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildImage } from '../../../src/boot/index.ts';
import { until } from '../../support/cluster/cluster.ts';

describe('a build of an image', { skip: process.getuid?.() !== 0 && 'needs root', timeout: 60_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'arpanet-build-test-'));
  const at = (leaf: string): string => join(scratch, leaf);
  const program = (path: string, text = 'exit 0'): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), `#!/bin/sh\n${text}\n`);
    chmodSync(at(path), 0o755);
  };
  /** `mmdebstrap`: what the stand-in does with its root. */
  const build = (mmdebstrap: string, signal = new AbortController().signal) => {
    program('bin/mmdebstrap', `for root in "$@"; do case $root in */root) break ;; esac; done; mkdir -p "$root/sys"; ${mmdebstrap}`);
    return buildImage(
      {
        out: at('out'),
        program: at('program'),
        version: '1.0.0',
        packages: [],
        kernel: 'linux-image-amd64',
        words: [],
        sources: [],
        nowMs: 0,
        env: { ...process.env, PATH: `${at('bin')}:${process.env['PATH'] ?? ''}` },
        signal,
      },
      () => undefined,
    );
  };
  const leavesNothing = () => {
    const root = readFileSync(at('root'), 'utf8').trim();
    assert.ok(!existsSync(dirname(root)), 'its folder');
    assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(root), 'a mount');
    assert.deepEqual(readdirSync(at('out')), ['image.json'], 'the image before');
    assert.ok(existsSync(at('machine/file')), 'what was mounted there');
  };

  before(() => {
    for (const path of [
      'bin/mksquashfs',
      'bin/depmod',
      'program/bin/node',
      'program/bin/arpanet',
      'program/lib/systemd/arpanet-agent.service',
    ])
      program(path);
    for (const dir of ['machine', 'out']) mkdirSync(at(dir));
    writeFileSync(at('machine/file'), '');
    writeFileSync(at('out/image.json'), '{}');
  });
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  it('removes nothing of this machine that was mounted in the root when mmdebstrap died', async () => {
    const dies = `echo "$root" >${at('root')}; mount --bind ${at('machine')} "$root/sys" && ls "$root/sys" >&2; kill -KILL $$`;
    await assert.rejects(build(dies), { kind: 'unavailable', message: /^mmdebstrap failed: file$/ });
    leavesNothing();
  });

  it('is ended with all that it has started', async () => {
    const ending = new AbortController();
    // as mmdebstrap: it takes no notice of the signal but waits for what it has started
    const goesOn = `trap : TERM; echo "$root" >${at('root')}; sh -c 'echo $$ >${at('pid')}; exec sleep 1000'; exit 1`;
    const ended = build(goesOn, ending.signal);
    await until('it runs', () => existsSync(at('pid')) && readFileSync(at('pid'), 'utf8').endsWith('\n'));
    ending.abort();
    await assert.rejects(ended, { kind: 'unavailable', message: /was ended: the image is as it was/ });
    assert.ok(!existsSync(`/proc/${readFileSync(at('pid'), 'utf8').trim()}`), 'a program');
    leavesNothing();
  });
});
