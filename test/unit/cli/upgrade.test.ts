import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { carryOut, type UpgradeActs } from '../../../src/cli/commands/cluster/upgrade-steps.ts';
import { printable } from '../../../src/cli/commands/cluster/upgrade.ts';
import { ArpanetError } from '../../../src/model/index.ts';
import { resultText, upgradePlan, upgradeText, withTokens } from '../../../src/cli/output/upgrade.ts';

const INSTALLER = { url: 'https://10.0.0.1:2376', pin: 'sha256//abc=', sha256: 'a'.repeat(64), version: '0.10.0' };
const scheduler = (name: string, leads: boolean, version?: string, byLine?: boolean) => ({
  name,
  url: `https://${name}`,
  leads,
  heardMsAgo: 0,
  ...(version !== undefined && { version }),
  ...(byLine === true && { byLine }),
});
const host = (name: string, agent: string, state: 'alive' | 'down' | 'expected' = 'alive', upgradesItself = false) => ({
  name,
  state,
  agent,
  address: `10.0.0.${name.at(-1) ?? ''}`,
  ...(upgradesItself && { upgradesItself: true as const }),
});

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

  it('has the script again for a scheduler that it made, and each host its own join token, where there is one', () => {
    const cluster = { schedulers: [scheduler('s2', false, '0.9.0', true)], hosts: [host('db-1', '0.9.3')] };
    const ends = (tokens: Readonly<Record<string, string>>) =>
      withTokens(upgradePlan(INSTALLER, cluster).steps, new Map(Object.entries(tokens))).map(({ command }) => command.split(' -s -- ')[1]);
    assert.deepEqual(ends({ 'db-1': 'ARPTKN-1-aa-bb', s2: 'ARPTKN-1-aa-cc' }), ['--scheduler s2', '--upgrade ARPTKN-1-aa-bb']);
    assert.deepEqual(ends({ 'db-1': "it's" }), ['--scheduler s2', '--upgrade']);
    assert.deepEqual(ends({ 'db-2': 'ARPTKN-1-aa-bb' }), ['--scheduler s2', '--upgrade']);
  });

  it('prints lines with tokens that are for one host each and end after a day, and the lasting one only where there is no TLS', async () => {
    const plan = upgradePlan(INSTALLER, {
      schedulers: [scheduler('s2', false, '0.9.0', true)],
      hosts: [host('db-1', '0.9.3'), host('db-2', '0.9.3', 'alive', true)],
    });
    const asked: unknown[] = [];
    const api = (hasTls: boolean, mayMake = true) => ({
      v1: {
        call: async (name: string, { body }: { body?: { host?: string } } = {}) => {
          if (name === 'getInstaller') return hasTls ? INSTALLER : { ...INSTALLER, pin: undefined };
          asked.push(body ?? name);
          if (!mayMake) throw new ArpanetError('forbidden', 'a viewer makes none');
          return { token: body === undefined ? 'lasting' : `for-${body.host}` };
        },
      },
    });
    const ends = async (given: ReturnType<typeof api>) =>
      (await printable(given as unknown as Parameters<typeof printable>[0], plan.steps)).map(({ command }) => command.split(' ').at(-1));
    assert.deepEqual(await ends(api(true)), ['s2', 'for-db-1', 'for-db-2']);
    assert.deepEqual(
      asked.splice(0),
      ['db-1', 'db-2'].map((name) => ({ singleUse: false, ttlMs: 86_400_000, host: name })),
    );
    assert.deepEqual(await ends(api(false)), ['s2', 'lasting', 'lasting']);
    assert.deepEqual(asked.splice(0), ['getToken']);
    assert.deepEqual(await ends(api(true, false)), ['s2', '--upgrade', '--upgrade']);
    // a plan makes nothing; without TLS the lasting one is read
    asked.length = 0;
    const planned = async (given: ReturnType<typeof api>) =>
      (await printable(given as unknown as Parameters<typeof printable>[0], plan.steps, { isPlan: true })).map(({ command }) =>
        command.split(' ').at(-1),
      );
    assert.deepEqual(await planned(api(true)), ['s2', '--upgrade', '--upgrade']);
    assert.deepEqual(asked.splice(0), []);
    assert.deepEqual(await planned(api(false)), ['s2', 'lasting', 'lasting']);
    // nothing to print: nothing is made
    asked.length = 0;
    assert.deepEqual(
      await printable(api(true) as unknown as Parameters<typeof printable>[0], plan.steps.slice(0, 1)),
      plan.steps.slice(0, 1),
    );
    assert.deepEqual(asked, []);
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

  it('lets agents do what they can: their own host, and a scheduler on its machine whose program is the same', () => {
    const schedulers = [
      scheduler('s1', true),
      { ...scheduler('s2', false, '0.9.0', true), url: 'https://10.0.0.2:2376' },
      scheduler('s3', false, '0.9.0'),
      { ...scheduler('s4', false, '0.9.0', true), url: 'https://10.0.0.4:2376' },
    ];
    const { steps } = upgradePlan(INSTALLER, {
      schedulers,
      hosts: [
        host('db-1', '0.9.0', 'alive', true),
        host('db-2', '0.9.0', 'alive', true),
        host('db-3', '0.9.0'),
        host('db-4', '0.10.0', 'alive', true),
      ],
    });
    assert.deepEqual(
      steps.map(({ name, by }) => `${name} by ${by ?? 'hand'}`),
      ['s2 by db-2', 's3 by hand', 's4 by hand', 'db-1 by db-1', 'db-2 by db-2', 'db-3 by hand'],
    );
  });

  it('takes hosts back that are ahead of the leader only where that is asked for, and never a scheduler', () => {
    const cluster = {
      schedulers: [scheduler('s1', true), scheduler('s2', false, '0.11.0', true)],
      hosts: [host('db-1', '0.11.0', 'alive', true)],
    };
    const plan = upgradePlan(INSTALLER, cluster, { isForced: true });
    assert.deepEqual(
      plan.steps.map(({ name }) => name),
      ['db-1'],
    );
    assert.match(plan.steps[0]?.command ?? '', /--upgrade --force/);
    assert.deepEqual(plan.ahead, ["scheduler s2 has 0.11.0, which is newer than the leader's 0.10.0"]);
  });
});

describe('the steps of an upgrade', () => {
  /** A cluster of plain data: what has the release, and what an order does. */
  function cluster(hosts: Record<string, boolean>, more: Partial<UpgradeActs> = {}) {
    const releases = new Map(Object.keys(hosts).map((name) => [name, '0.9.0']));
    const asked: string[] = [];
    let now = 0;
    const acts: UpgradeActs = {
      plan: async () =>
        upgradePlan(INSTALLER, {
          schedulers: [scheduler('s1', true)],
          hosts: [...releases].map(([name, release]) => host(name, release, 'alive', hosts[name])),
        }),
      ready: async () => 3,
      upgrade: async (name) => {
        asked.push(name);
        releases.set(name, '0.10.0');
      },
      say: () => undefined,
      pause: async () => undefined,
      // a minute is over at once
      now: () => (now += 30_000),
      ...more,
    };
    return { acts, asked, releases };
  }

  it('go one after the other, leave what somebody does by hand, and say so', async () => {
    const { acts, asked } = cluster({ 'db-1': true, 'db-2': false, 'db-3': true });
    const result = await carryOut(acts);
    assert.deepEqual(asked, ['db-1', 'db-3']);
    assert.deepEqual([result.done, result.failed], [['host db-1', 'host db-3'], undefined]);
    assert.match(resultText(result), /host db-1, host db-3: now with 0\.10\.0\n.*\n +host db-2 \(0\.9\.0\), there:\n +curl/);
    assert.match(resultText(await carryOut(cluster({ 'db-1': true }).acts)), /All schedulers and hosts have 0\.10\.0/);
  });

  it('end at the first that fails: no other host is asked', async () => {
    const upgrade = async () => await Promise.reject(new ArpanetError('conflict', 'db-1 has 0.9.0 back'));
    const { acts, releases } = cluster({ 'db-1': true, 'db-2': true }, { upgrade });
    const result = await carryOut(acts);
    assert.deepEqual(result.failed, { step: 'host db-1', why: 'db-1 has 0.9.0 back' });
    assert.equal(result.left.length, 2);
    assert.equal(releases.get('db-2'), '0.9.0');
  });

  it('end where the cluster is less healthy than before, and begin nothing where a host is not alive', async () => {
    let ready = 3;
    const sick = cluster({ 'db-1': true, 'db-2': true }, { ready: async () => ready });
    const { upgrade } = sick.acts;
    const result = await carryOut({
      ...sick.acts,
      upgrade: async (name) => {
        ready = 1;
        await upgrade(name);
      },
    });
    assert.deepEqual(sick.asked, ['db-1']);
    assert.match(result.failed?.why ?? '', /2 instances are not ready that were before/);
    const down = upgradePlan(INSTALLER, {
      schedulers: [scheduler('s1', true)],
      hosts: [host('db-1', '0.9.0', 'alive', true), host('db-2', '0.9.0', 'down')],
    });
    const none = cluster({ 'db-1': true }, { plan: async () => down });
    assert.match((await carryOut(none.acts)).failed?.why ?? '', /host db-2 is down/);
    assert.deepEqual(none.asked, []);
  });

  it('go on where the connection ended and the host came back all the same', async () => {
    const lost = cluster({ 'db-1': true });
    const { upgrade } = lost.acts;
    const result = await carryOut({
      ...lost.acts,
      upgrade: async (name) => {
        await upgrade(name);
        throw new ArpanetError('unavailable', 'the connection to the leader ended');
      },
    });
    assert.deepEqual([result.done, result.failed], [['host db-1'], undefined]);
  });

  it('open the host again that was emptied, whatever ended the step, and fail with its name where nobody can', async () => {
    const opened: string[] = [];
    let isOpen = true;
    let trouble: Error | undefined;
    const emptied = {
      isOpen: async () => isOpen,
      activate: async (name: string) => {
        if (trouble !== undefined) throw trouble;
        isOpen = true;
        opened.push(name);
      },
    };
    const upgrade = (error: Error) => async (): Promise<never> => {
      isOpen = false;
      throw error;
    };
    const lost = new ArpanetError('unavailable', 'this scheduler no longer leads');
    const failed = await carryOut(cluster({ 'db-1': true, 'db-2': true }, { emptied, upgrade: upgrade(lost) }).acts);
    assert.match(failed.failed?.why ?? '', /^host db-1 is not back with 0\.10\.0$/);
    assert.deepEqual([opened, isOpen], [['db-1'], true]);
    const back = cluster({ 'db-1': true }, { emptied });
    const done = await carryOut({ ...back.acts, upgrade: async (name) => await back.acts.upgrade(name).then(upgrade(lost)) });
    assert.deepEqual([done.done, done.failed, opened], [['host db-1'], undefined, ['db-1', 'db-1']]);
    trouble = new ArpanetError('engine', 'no leader is known yet', { engineStatus: 503 });
    const closed = await carryOut({ ...cluster({ 'db-1': true }, { emptied }).acts, upgrade: upgrade(new Error('no space')) });
    assert.match(closed.failed?.why ?? '', /^no space; host db-1 was emptied .*: "arpanet activate db-1" \(no leader is known yet\)$/);
    isOpen = true;
    trouble = undefined;
    const refused = new ArpanetError('engine', 'db-1 is being upgraded', { engineStatus: 409 });
    await carryOut(cluster({ 'db-1': true }, { emptied, upgrade: upgrade(refused) }).acts);
    assert.deepEqual([opened.length, isOpen], [2, false], 'who upgrades it opens it');
  });

  it('leave hosts alone while a scheduler is to be upgraded by hand', async () => {
    const plan = upgradePlan(INSTALLER, {
      schedulers: [scheduler('s1', true), scheduler('s2', false, '0.9.0')],
      hosts: [host('db-1', '0.9.0', 'alive', true)],
    });
    const { acts, asked } = cluster({}, { plan: async () => plan });
    assert.equal((await carryOut(acts)).left.length, 2);
    assert.deepEqual(asked, []);
  });
});
