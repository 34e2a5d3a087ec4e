import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createGuards } from '../../../src/hostagent/isolation/guards.ts';
import type { ContainerFacts } from '../../../src/model/facts.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { fakeTools } from '../../support/fakes/kernel-tools.ts';

const MAC = '02:00:00:00:00:05';
const links = (all: object): string => `echo '${JSON.stringify([all])}'`;
const tools = fakeTools({
  nsenter: `[ -e "$D/broken" ] && exit 1; ${links({ ifname: 'eth0', address: MAC, link_index: 7 })}`,
  ip: links({ ifname: 'veth12345', ifindex: 7, master: 'arp00002a' }),
  ebtables: 'exit 0',
  'ebtables-restore': 'cat >>"$D/rules"',
});
const isGuarded = (): boolean =>
  existsSync(join(tools.folder, 'rules')) && /--ip-src 10\.32\.0\.5 /.test(readFileSync(join(tools.folder, 'rules'), 'utf8'));

const facts = (id: string, host: object = {}, isRunning = true): ContainerFacts =>
  ({
    summary: { Id: id },
    inspect: {
      Id: id,
      State: { Running: isRunning, Pid: 4711 },
      Config: { Labels: {} },
      HostConfig: { NetworkMode: 'n', ...host },
      NetworkSettings: { Networks: 'NetworkMode' in host ? {} : { n: { MacAddress: MAC, IPAddress: '10.32.0.5' } } },
    },
  }) as unknown as ContainerFacts;

describe('containers bound to their own addresses', () => {
  before(tools.use);
  after(tools.remove);
  beforeEach(() => rmSync(join(tools.folder, 'rules'), { force: true }));
  it('one whose links could not be read is looked at again with the next pass, and no more once it has ended', async () => {
    const guards = createGuards('vxlan', quietLog);
    tools.put('broken', '');
    await guards.changed([facts('web')], []);
    assert.equal(isGuarded(), false);
    rmSync(join(tools.folder, 'broken'));
    await guards.reconcile();
    assert.equal(isGuarded(), true);
    tools.calls();
    await guards.reconcile();
    assert.deepEqual(
      tools.calls().filter((line) => line.startsWith('nsenter')),
      [],
    );
    tools.put('broken', '');
    await guards.changed([facts('other')], []);
    await guards.changed([facts('other', {}, false)], []);
    rmSync(join(tools.folder, 'broken'));
    tools.calls();
    await guards.reconcile();
    assert.deepEqual(
      tools.calls().filter((line) => line.startsWith('nsenter')),
      [],
    );
  });

  const admin = (isRunning = true) => facts('admin', { NetworkMode: 'container:web', CapAdd: ['NET_ADMIN'] }, isRunning);
  const ends: Readonly<Record<string, readonly [upserts: readonly ContainerFacts[], removes: readonly string[]]>> = {
    'is removed': [[], ['admin']],
    ends: [[admin(false)], []],
  };
  for (const [how, end] of Object.entries(ends))
    it(`one whose network another with the right to change addresses shares is bound again when that ${how}`, async () => {
      const guards = createGuards('vxlan', quietLog);
      await guards.all([facts('web'), admin()]);
      assert.equal(isGuarded(), false);
      await guards.changed(...end);
      assert.equal(isGuarded(), true);
    });
});
