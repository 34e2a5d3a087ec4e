import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { upgradePlan, upgradeText } from '../../../src/cli/output/upgrade.ts';

const INSTALLER = { url: 'https://10.0.0.1:2376', pin: 'sha256//abc=', sha256: 'a'.repeat(64), version: '0.10.0' };
const scheduler = (name: string, leads: boolean, version?: string, byLine?: boolean) => ({
  name,
  url: `https://${name}`,
  leads,
  heardMsAgo: 0,
  ...(version !== undefined && { version }),
  ...(byLine === true && { byLine }),
});
const host = (name: string, agent: string, state: 'alive' | 'down' | 'expected' = 'alive') => ({ name, state, agent });

describe('arpanet upgrade', () => {
  it('names schedulers before hosts, each with the line to run there, and leaves out who has the release', () => {
    const plan = upgradePlan(INSTALLER, {
      schedulers: [
        scheduler('s1', true, '0.10.0'),
        scheduler('s2', false, '0.9.0'),
        scheduler('s3', false),
        scheduler('s4', false, '0.10.0'),
      ],
      hosts: [host('db-1', '0.9.3'), host('db-2', '0.10.0'), host('db-3', '', 'expected')],
    });
    assert.deepEqual(
      plan.steps.map(({ kind, name, has }) => `${kind} ${name} ${has}`),
      ['scheduler s2 0.9.0', 'scheduler s3 ', 'host db-1 0.9.3'],
    );
    assert.deepEqual([plan.inTheWay, plan.ahead], [[], []]);
    assert.match(upgradeText(plan), /3\. host db-1 \(0\.9\.3\), there:\n +curl -fsSLk .*join\.sh \| sudo sh -s -- --upgrade/);
    assert.match(plan.steps[0]?.command ?? '', /apt-get install \.\/arpanet_0\.10\.0_amd64\.deb/);
  });

  it('has the script again for a scheduler that it made, and the join token of now for hosts', () => {
    const cluster = { schedulers: [scheduler('s2', false, '0.9.0', true)], hosts: [host('db-1', '0.9.3')] };
    const ends = (token?: string) => upgradePlan(INSTALLER, cluster, token).steps.map(({ command }) => command.split(' -s -- ')[1]);
    assert.deepEqual(ends('ARPTKN-1-aa-bb'), ['--scheduler s2', '--upgrade ARPTKN-1-aa-bb']);
    assert.deepEqual(ends("it's"), ['--scheduler s2', '--upgrade']);
    assert.deepEqual(ends(), ['--scheduler s2', '--upgrade']);
  });

  it('has hosts repaired first, and takes nobody back who is ahead of the leader', () => {
    const plan = upgradePlan(INSTALLER, {
      schedulers: [scheduler('s1', true)],
      hosts: [host('db-1', '0.11.0'), host('db-2', '0.9.0', 'down')],
    });
    assert.deepEqual(plan.inTheWay, ['host db-2 is down']);
    assert.deepEqual(plan.ahead, ["host db-1 has 0.11.0, which is newer than the leader's 0.10.0"]);
    assert.deepEqual(
      plan.steps.map(({ name }) => name),
      ['db-2'],
    );
    assert.match(upgradeText(plan), /^First repair what is in the way: host db-2 is down\.\n! host db-1 has 0\.11\.0/);
    const done = upgradePlan(INSTALLER, { schedulers: [scheduler('s1', true)], hosts: [host('db-1', '0.10.0')] });
    assert.equal(upgradeText(done), 'All schedulers and hosts have 0.10.0.');
  });
});
