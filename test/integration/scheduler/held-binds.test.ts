/** Binds of somebody whose policy names paths: their host says where they lead, at create and at each start. The host's files are this machine's. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { realPaths } from '../../../src/hostagent/bind-paths.ts';
import { startFakeCluster } from '../../support/fakes/fake-cluster.ts';

describe('binds below named paths', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'arpanet-binds-'));
    for (const folder of ['srv/abc/data', 'etc']) mkdirSync(join(dir, folder), { recursive: true });
    symlinkSync('/', join(dir, 'srv/abc/root'));
    symlinkSync('../../etc', join(dir, 'srv/abc/up'));
    symlinkSync('data', join(dir, 'srv/abc/own'));
    symlinkSync(join(dir, 'etc/not-yet'), join(dir, 'srv/abc/later'));
    symlinkSync('round', join(dir, 'srv/abc/round'));
    symlinkSync(join(dir, 'srv'), join(dir, 'short'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('lead where the host says, links within and at the end followed, also to what is not there yet', async () => {
    const at = (path: string) => join(dir, path);
    const asked = [
      'srv/abc/data',
      'srv/abc/own/new/er',
      'srv/abc/up/passwd',
      'srv/abc/later',
      'srv/abc/later/x',
      'srv/abc/round',
      'short/abc',
    ];
    assert.deepEqual(await realPaths([...asked.map(at), '/', join(dir, 'srv/abc/root')]), [
      ...['srv/abc/data', 'srv/abc/data/new/er', 'etc/passwd', 'etc/not-yet', 'etc/not-yet/x'].map(at),
      '',
      at('srv/abc'),
      '/',
      '/',
    ]);
  });

  it('are refused at the create and at a start where they lead elsewhere, and nothing is left', async () => {
    await using cluster = await startFakeCluster(1);
    const { containers, networks } = cluster.scheduler;
    const label = { 'arpanet.bind-prefixes': JSON.stringify([join(dir, 'short/abc')]) };
    const create = (Binds: readonly string[], Mounts: readonly object[] = [], Labels: Record<string, string> = label) =>
      containers.create({
        name: 'abc_web_1',
        platform: undefined,
        request: { Image: 'busybox', Labels: { 'com.docker.compose.project': 'abc', ...Labels }, HostConfig: { Binds, Mounts } } as never,
        apiVersion: '1.41',
        requestId: randomUUID(),
        signal: new AbortController().signal,
      });
    for (const name of ['root', 'up', 'later', 'round', 'root/etc']) {
      const source = join(dir, 'srv/abc', name);
      const refused = {
        kind: 'forbidden',
        message: /^refused by the policy: the host's path ".*" leads to ".*" on host h1, and may lead below /,
      };
      await assert.rejects(create([`${source}:/x`]), refused, name);
      await assert.rejects(create([], [{ Type: 'bind', Source: source, Target: '/x' }]), refused, name);
    }
    assert.deepEqual(cluster.state(), []);
    await create([`${join(dir, 'srv/abc/own')}:/x`, 'volume:/y']);
    const container = () => containers.one('abc_web_1');
    assert.equal(await networks.starting(container(), async () => 'started'), 'started');
    rmSync(join(dir, 'srv/abc/own'));
    symlinkSync('/etc', join(dir, 'srv/abc/own'));
    await assert.rejects(
      networks.starting(container(), async () => 'started'),
      { kind: 'forbidden', message: /leads to "\/etc" on host h1/ },
    );
  });
});
