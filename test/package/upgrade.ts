/**
 * npm run test:package: `arpanet upgrade`, its line, and an older release, while what runs there goes on. The older one is made of this repository's history. Needs root.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { olderRelease } from '../../scripts/packaging/older-release.mjs';
import { endProcess, until } from '../support/cluster/cluster.ts';
import { startUnit } from './bare-machine.ts';
import { systemd } from './systemd.ts';
import { installDeb, startScheduler, type TwoMachines, twoMachines } from './two-machines.ts';

const OLDER = '0.0.9';
const ENDPOINT = 'docker -H tcp://127.0.0.1:2375';

/** What a person types on the first machine, runs on the second, and sees of the second's agent. */
function hands({ first, second }: TwoMachines) {
  const typed = (command: string) => first.run(['sh', '-c', `exec 2>&1; ${command}; echo "ended $?"`]);
  return {
    typed,
    run: (command: string) => second.run(['sh', '-c', `exec 2>&1; ${command}; echo "ended $?"`]),
    lineOf: (said: string) => /^ *(curl .*)$/m.exec(said)?.[1] ?? said,
    agentIs: async (version: string) =>
      until(`the agent has ${version}`, async () => (await typed('arpanet hosts inspect h2')).includes(`agent ${version},`)),
    /** As if another release had been installed. */
    async pretend(version: string) {
      await second.run(['sed', '-i', `s/"version": *"[^"]*"/"version": "${version}"/`, '/usr/local/lib/arpanet/package.json']);
      await second.run(['systemctl', 'restart', 'arpanet-agent']);
      await this.agentIs(version);
    },
  };
}

/** Does this again and again until the work is done; what the work says. */
async function during<T>(work: Promise<T>, again: () => Promise<void>): Promise<T> {
  const over = new AbortController();
  const done = work.finally(() => over.abort());
  let times = 0;
  while (!over.signal.aborted) {
    await again();
    times += 1;
  }
  assert.ok(times > 0);
  return await done;
}

describe('an upgrade', () => {
  it('gives a host the release of the scheduler while its containers answer, and the old one back if it fails', {
    timeout: 600_000,
  }, async () => {
    await using machines = await twoMachines();
    const { first, second, two, scratch } = machines;
    using _ = await systemd(second, scratch);
    await installDeb(first);
    await startScheduler(machines);
    const me = hands(machines);
    const { typed, run, lineOf, agentIs } = me;
    assert.match(await run(lineOf(await typed('arpanet hosts add h2'))), /h2 has joined[\s\S]*ended 0/);
    const release = (await first.run(['arpanet', '--version'])).trim();
    assert.match(await typed('arpanet upgrade'), new RegExp(`All schedulers and hosts have ${release}[\\s\\S]*ended 0`));

    await me.pretend(OLDER);
    await typed(`${ENDPOINT} run -d --name abc -p 8080:80 busybox sh -c 'echo fine > index.html; exec httpd -f'`);
    const answer = () => first.run(['curl', '-fsS', '--max-time', '5', `http://${two.address}:8080/`]);
    const answers = async () => assert.equal(await answer(), 'fine\n');
    await until('it answers', async () => (await answer()) === 'fine\n');

    const plan = await typed('arpanet upgrade --plan');
    assert.match(plan, /1\. host h2 \(0\.0\.9\) \("arpanet upgrade" does it\), or there:\n +curl .* \| sudo sh -s -- --upgrade\n/);
    await agentIs(OLDER);
    // the new release does not start: the old one is back
    await second.run(['sh', '-c', `echo ${OLDER} > /root/only`]);
    const failed = await during(typed('arpanet upgrade'), answers);
    assert.match(
      failed,
      new RegExp(`host h2 failed: h2: h2 did not come in with ${release} within a minute, and has 0\\.0\\.9 back[\\s\\S]*ended 1`),
    );
    await agentIs(OLDER);
    await second.run(['rm', '/root/only']);
    assert.match(
      await during(typed('arpanet upgrade'), answers),
      new RegExp(`host h2: now with ${release}\\nAll schedulers and hosts have ${release}[\\s\\S]*ended 0`),
    );
    await agentIs(release);
    assert.equal(await second.run(['ls', '/var/lib/arpanet/agent/upgrade']), 'ended\njoin.sh\nsaid\n', 'the token is gone');

    const line = lineOf(plan);
    assert.match(await run(line), new RegExp(`h2 has ${release} already`));
    await me.pretend('99.0.0');
    assert.match(await typed('arpanet upgrade'), /host h2 has 99\.0\.0, which is newer than the leader's/);
    assert.match(await run(line), /FAIL {2}this host has 99\.0\.0, and the scheduler .*, which is older[\s\S]*ended 1/);
    assert.match(await typed('arpanet upgrade --force'), new RegExp(`host h2: now with ${release}[\\s\\S]*ended 0`));
    await typed(`${ENDPOINT} rm -f abc`);
  });

  it('from an older release, and back again until it is confirmed, fails no request by short name', { timeout: 900_000 }, async () => {
    await using machines = await twoMachines();
    const { first, second, scratch } = machines;
    using _ = await systemd(second, scratch);
    const dir = olderRelease();
    const older = join(dir, readdirSync(dir).find((leaf) => leaf.endsWith('.deb')) ?? '');
    await installDeb(first, older);
    let scheduler = await startScheduler(machines);
    const me = hands(machines);
    const { typed, run, lineOf, agentIs } = me;
    assert.match(await run(lineOf(await typed('arpanet hosts add h2'))), /h2 has joined[\s\S]*ended 0/);
    await agentIs(OLDER);

    const service = async (name: string, command: string) => {
      const labels = ['project=abc', `service=${name}`, 'container-number=1', 'oneoff=False'].map(
        (label) => `--label com.docker.compose.${label}`,
      );
      assert.match(
        await typed(`${ENDPOINT} run -d --name abc_${name}_1 ${labels.join(' ')} busybox sh -c '${command}'`),
        /^[0-9a-f]{64}\nended 0/,
      );
    };
    await service('web', 'echo fine > index.html; exec httpd -f');
    await service('client', 'while :; do if [ "$(wget -qO- http://web/)" = fine ]; then echo ok; else echo failed; fi; sleep 0.1; done');
    // one connection from the first to the last step
    const script = '#!/bin/sh\\necho Content-Type: text/plain\\necho\\nwhile echo tick; do sleep 0.2; done\\n';
    await service('ticks', `mkdir cgi-bin; printf "${script}" > cgi-bin/ticks; chmod 755 cgi-bin/ticks; exec httpd -f`);
    await service('reader', 'until wget -qO- http://ticks/cgi-bin/ticks; do :; done; echo ended; exec sleep 9999');
    const logsOf = async (name: string) => (await second.run(['sh', '-c', `docker logs abc_${name}_1 2>/dev/null`])).trim().split('\n');
    const said = () => logsOf('client');
    const goesOn = async () => {
      const before = (await said()).length;
      await until('requests go on', async () => (await said()).length > before + 5);
      const ticks = await logsOf('reader');
      assert.ok(!ticks.includes('ended'), 'the connection');
      await until('the connection goes on', async () => (await logsOf('reader')).length > ticks.length);
    };
    await until('the first answer', async () => (await said()).at(-1) === 'ok');
    const failures = (await said()).filter((one) => one !== 'ok').length;

    const other = async (file?: string) => {
      await endProcess(scheduler);
      await installDeb(first, file);
      scheduler = await startScheduler(machines);
      await until('h2 is alive', async () => /h2 .* alive/.test(await typed('arpanet hosts')));
      await goesOn();
    };
    await other();
    const release = (await first.run(['arpanet', '--version'])).trim();
    assert.notEqual(release, OLDER);
    // an agent of then does not upgrade itself
    const left = await typed('arpanet upgrade');
    assert.match(left, /host h2 \(0\.0\.9\), there:\n +curl [\s\S]*ended 1/);
    assert.match(await run(lineOf(left)), new RegExp(`h2 has ${release} now, and had 0\\.0\\.9[\\s\\S]*ended 0`));
    await goesOn();
    assert.match(await typed('arpanet upgrade'), /All schedulers and hosts have[\s\S]*you may go back[\s\S]*ended 0/);
    assert.match(
      await typed(`${ENDPOINT} network create -d overlay --opt encrypted sealed`),
      /cannot be encrypted yet[\s\S]*arpanet upgrade --confirm/,
    );

    // back: the older scheduler leads the same store, with an agent that is ahead
    await other(older);
    await agentIs(release);
    assert.match(await typed(`${ENDPOINT} ps --format '{{.Names}}'`), /abc_client_1\n[\s\S]*abc_web_1/);
    await other();
    assert.match(await typed('arpanet upgrade --confirm'), /schema 2[\s\S]*ended 0|try again/);
    await until('it is confirmed', async () => /schema 2[\s\S]*ended 0/.test(await typed('arpanet upgrade --confirm')));
    assert.doesNotMatch(await typed(`${ENDPOINT} network create -d overlay --opt encrypted sealed`), /cannot be encrypted yet/);
    await goesOn();
    assert.equal((await said()).filter((one) => one !== 'ok').length, failures, 'requests that failed');

    // and no way back
    await endProcess(scheduler);
    await installDeb(first, older);
    scheduler = await startUnit(first, 'arpanet-scheduler', join(scratch, 'scheduler.log'));
    await until('the older release says why it does not lead', () =>
      readFileSync(join(scratch, 'scheduler.log'), 'utf8').includes(
        'the state store has records of schema 2, and this release reads schemas up to 1',
      ),
    );
    await endProcess(scheduler);
    await installDeb(first);
    await startScheduler(machines);
    await typed(`${ENDPOINT} rm -f abc_client_1 abc_web_1 abc_ticks_1 abc_reader_1`);
  });
});
