/** Which processes are the proxy of a host's agent: programs of that name, each in a mount namespace of its own. No proxies. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathsIn } from '../../../src/hostagent/http/plan.ts';
import { createProxy } from '../../../src/hostagent/http/proxy.ts';

it('a proxy that the agent before has started from the mount namespace of its unit is ended; one of a container is left alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arpanet-masters-'));
  const proxy = 'exec -a haproxy bash -c "echo runs; read line" sh -f "$0"';
  const root = `mount -t tmpfs none /mnt; mkdir /mnt/usr; mount --bind /usr /mnt/usr; for one in bin lib lib64; do ln -s usr/$one /mnt/$one; done`;
  const begin = async (script: string) => {
    const words = ['--mount', 'bash', '-ec', script, pathsIn(folder).config];
    const started = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(started.stdout, 'data');
    return started;
  };
  const all = [];
  try {
    const [ofUnit, ofContainer] = [await begin(proxy), await begin(`${root}; exec chroot /mnt bash -c '${proxy}' "$0"`)];
    all.push(ofUnit, ofContainer);
    const ended = once(ofUnit, 'exit', { signal: AbortSignal.timeout(30_000) });
    await createProxy(folder).stop();
    await ended;
    assert.equal(ofContainer.exitCode ?? ofContainer.signalCode, null);
  } finally {
    for (const one of all) one.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
