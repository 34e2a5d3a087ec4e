import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { idleProgram } from '../../../src/docker-api/images/idle-program.ts';

describe('the program that does nothing', () => {
  it('is an executable of its architecture, and there is none for others', () => {
    for (const [arch, machine] of [
      ['amd64', 62],
      ['arm64', 183],
    ] as const) {
      const file = idleProgram(arch);
      assert.deepEqual([...(file?.subarray(0, 5) ?? [])], [0x7f, 0x45, 0x4c, 0x46, 2]);
      assert.equal(file?.readUInt16LE(18), machine);
      assert.equal(Number(file?.readBigUInt64LE(96)), file?.length, 'all of it is loaded');
    }
    assert.equal(idleProgram('s390x'), undefined);
  });

  it('runs until it is killed', { skip: !['x64', 'arm64'].includes(process.arch) || process.platform !== 'linux' }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-idle-'));
    const path = join(dir, 'idle');
    try {
      writeFileSync(path, idleProgram(process.arch === 'x64' ? 'amd64' : 'arm64') ?? '');
      chmodSync(path, 0o755);
      const child = spawn(path);
      const ended = new Promise<string | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
      assert.equal(await Promise.race([ended, sleep(300, 'still runs')]), 'still runs');
      child.kill('SIGKILL');
      assert.equal(await ended, 'SIGKILL');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
