/**
 * npm run test:package: a host of another release takes the scheduler's by the line of `arpanet upgrade`, while what runs there goes on; one that does not come in with it has its own back.
 * Needs root and debootstrap.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../support/cluster/cluster.ts';
import { startLab } from '../support/cluster/lab.ts';
import { bareMachine, debianRoot, packageOf, startUnit } from './bare-machine.ts';
import { systemd } from './systemd.ts';

describe('an upgrade of a host', () => {
  it('takes the release of the scheduler while its containers answer, and goes back if it fails', { timeout: 600_000 }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'arpanet-upgrade-test-'));
    try {
      await using lab = await startLab({ count: 2, mixed: false });
      const [one, two] = lab.hosts;
      assert.ok(one !== undefined && two !== undefined);
      await using first = await bareMachine(one, debianRoot());
      await using second = await bareMachine(two, debianRoot());
      using _ = await systemd(second, scratch);
      first.bring(packageOf('.deb'), 'arpanet.deb');
      await first.run(['dpkg', '--install', '/arpanet.deb']);
      const settings = `listen: [tcp://127.0.0.1:2375, "tls://${one.address}:2378"]\nstore: embedded:/var/lib/arpanet/scheduler\n`;
      await first.run(['sh', '-c', 'cat > /etc/arpanet/scheduler.yaml'], settings);
      await startUnit(first, 'arpanet-scheduler', join(scratch, 'scheduler.log'));
      await until('the scheduler leads', () => first.run(['arpanet', 'token']));
      const typed = (command: string) => first.run(['sh', '-c', `exec 2>&1; ${command}; true`]);
      const lineOf = (said: string) => /^ *(curl .*)$/m.exec(said)?.[1] ?? said;
      const run = (command: string) => second.run(['sh', '-c', `exec 2>&1; ${command}; echo "ended $?"`]);
      assert.match(await run(lineOf(await typed('arpanet hosts add h2'))), /h2 has joined[\s\S]*ended 0/);
      const release = (await first.run(['arpanet', '--version'])).trim();
      assert.match(await typed('arpanet upgrade'), new RegExp(`All schedulers and hosts have ${release}`));

      const agentIs = async (version: string) =>
        until(`the agent has ${version}`, async () => (await typed('arpanet hosts inspect h2')).includes(`agent ${version},`));
      /** As if another release had been installed. */
      const pretend = async (version: string) => {
        await second.run(['sed', '-i', `s/"version": *"[^"]*"/"version": "${version}"/`, '/usr/local/lib/arpanet/package.json']);
        await second.run(['systemctl', 'restart', 'arpanet-agent']);
        await agentIs(version);
      };
      await pretend('0.0.9');
      await typed("docker -H tcp://127.0.0.1:2375 run -d --name abc -p 8080:80 busybox sh -c 'echo fine > index.html; exec httpd -f'");
      const answer = () => first.run(['curl', '-fsS', '--max-time', '5', `http://${two.address}:8080/`]);
      await until('it answers', async () => (await answer()) === 'fine\n');

      const plan = await typed('arpanet upgrade');
      assert.match(plan, /1\. host h2 \(0\.0\.9\), there:\n +curl .* \| sudo sh -s -- --upgrade ARPTKN-/);
      const line = lineOf(plan);
      // the new release does not start: the old one is back
      await second.run(['sh', '-c', 'echo 0.0.9 > /root/only']);
      const failed = await run(line.replace('sudo sh', 'ARPANET_JOIN_TRIES=3 sh'));
      assert.match(
        failed,
        new RegExp(`FAIL {2}h2 did not come in with ${release} within a minute, and has 0\\.0\\.9 back[\\s\\S]*ended 1`),
      );
      await agentIs('0.0.9');
      await second.run(['rm', '/root/only']);

      const over = new AbortController();
      const upgraded = run(line).finally(() => over.abort());
      let asked = 0;
      while (!over.signal.aborted) {
        assert.equal(await answer(), 'fine\n');
        asked += 1;
      }
      assert.match(await upgraded, new RegExp(`h2 has ${release} now, and had 0\\.0\\.9[\\s\\S]*ended 0`));
      assert.ok(asked > 0);
      assert.match(await run(line), new RegExp(`h2 has ${release} already`));
      await agentIs(release);

      await pretend('99.0.0');
      assert.match(await typed('arpanet upgrade'), /host h2 has 99\.0\.0, which is newer than the leader's/);
      assert.match(await run(line), /FAIL {2}this host has 99\.0\.0, and the scheduler .*, which is older[\s\S]*ended 1/);
      assert.match(await run(line.replace('--upgrade', '--upgrade --force')), /now, and had 99\.0\.0[\s\S]*ended 0/);
      await typed('docker -H tcp://127.0.0.1:2375 rm -f abc');
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});
