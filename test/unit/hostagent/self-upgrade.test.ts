/** What an agent does with the order to take another release, with programs of a machine that does nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { createSelfUpgrade, upgradesItself } from '../../../src/hostagent/release/self-upgrade.ts';
import { dialOptions, newAuthority, newKeyPair, openAuthority, SCHEDULER_NAME } from '../../../src/security/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';

describe('the order to take another release', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'arpanet-self-upgrade-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const kept = (leaf: string) => join(dataDir, 'upgrade', leaf);
  let isUnderWay = false;
  const calls: string[] = [];
  const run = async (command: string, args: readonly string[]): Promise<string> => {
    calls.push([command, ...args].join(' '));
    if (command === 'systemctl' && !isUnderWay) throw new Error('inactive');
    return '';
  };
  const asked: string[] = [];
  let trusted: ConnectionOptions = {};
  const identity = {
    toScheduler: async (url: string) => {
      asked.push(url);
      return trusted;
    },
  };
  const signal = new AbortController().signal;
  const upgrade = createSelfUpgrade({ dataDir, identity, isAble: true, run, log: quietLog }, signal);

  it('is carried out by the script of that scheduler, outside of the agent, and what came of it is read after a restart', async () => {
    const nowMs = Date.now();
    const ca = openAuthority({ authorities: [await newAuthority(nowMs)] }, () => nowMs);
    const { publicKey, privateKey } = newKeyPair();
    const names = [SCHEDULER_NAME];
    const { certificate } = await ca.issue({ publicKey, commonName: 's1', kind: 'scheduler', names, ttlMs: 3_600_000 });
    trusted = dialOptions({ certificate, privateKey, bundle: ca.bundle }, SCHEDULER_NAME);
    const server = https.createServer({ cert: certificate, key: privateKey }, (request, response) =>
      response.end(request.url === '/arpanet/v1/join.sh' ? 'echo hello' : 'no'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      assert.deepEqual(await upgrade(), { state: 'none', said: '' });
      assert.deepEqual(await upgrade({ url, token: 'ARPTKN-1-aa-bb', isForced: true }), { state: 'running', said: '' });
      assert.equal(readFileSync(kept('join.sh'), 'utf8'), 'echo hello');
      const [, begun = ''] = calls;
      assert.match(begun, /^systemd-run --unit=arpanet-upgrade --collect --quiet \/bin\/sh -c .*join\.sh --upgrade .* --force$/);
      assert.doesNotMatch(begun, /ARPTKN/, 'arguments are in the list of processes');
      writeFileSync(kept('said'), 'FAIL  no\n');
      writeFileSync(kept('ended'), '1\n');
      const restarted = createSelfUpgrade({ dataDir, identity, isAble: true, run, log: quietLog }, signal);
      assert.deepEqual(await restarted(), { state: 'ended', code: 1, said: 'FAIL  no\n' });
      isUnderWay = true;
      await assert.rejects(upgrade({ url, token: 't' }), { kind: 'conflict' });
      assert.ok(existsSync(kept('ended')), 'the one under way is left alone');
      isUnderWay = false;
      await upgrade({ url, token: 't' });
      assert.deepEqual(await upgrade(), { state: 'running', said: '' }, 'what came of the one before is forgotten');
    } finally {
      server.close();
    }
  });

  it('is refused without TLS: its script runs as root, and nothing is asked of that address', async () => {
    asked.length = 0;
    for (const url of ['http://10.0.0.1:2375', 'HTTP://10.0.0.1', 'ftp://10.0.0.1'])
      await assert.rejects(upgrade({ url, token: 't' }), { kind: 'conflict', message: /would come in the clear, .* by https:\/\/ alone/ });
    assert.deepEqual(asked, []);
  });

  it('is refused where a package of its own has the program, or no systemd keeps it', async () => {
    const all = () => true;
    assert.equal(upgradesItself('/usr/local/lib/arpanet/bin/node', all), true);
    assert.equal(upgradesItself('/usr/lib/arpanet/bin/node', all), false);
    assert.equal(
      upgradesItself('/usr/local/lib/arpanet/bin/node', (path) => !path.includes('systemd')),
      false,
    );
    const unable = createSelfUpgrade({ dataDir, identity, isAble: false, run, log: quietLog }, signal);
    await assert.rejects(unable({ url: 'http://127.0.0.1:1', token: 't' }), { kind: 'unsupported' });
  });
});
