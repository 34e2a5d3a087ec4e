import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { createAllow } from '../../../src/hostagent/allow/allow.ts';
import type { ContainerFacts } from '../../../src/model/facts.ts';
import type { NamedInstance } from '../../../src/model/name-table.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { fakeTools } from '../../support/fakes/kernel-tools.ts';

const ADDRESS = '10.32.0.5';
// the rules are what nft was given last
const tools = fakeTools({ nft: 'case "$1" in -f) cat >"$D/rules" ;; list) grep -q set "$D/rules" ;; esac' });

const created = (id: string, pid = 0, address = ADDRESS): ContainerFacts =>
  ({
    summary: { Id: id },
    inspect: {
      Id: id,
      State: { Running: pid > 0, Pid: pid },
      HostConfig: { NetworkMode: 'net' },
      Config: { Labels: { 'arpanet.allow-from': 'none', 'arpanet.record': '{}' } },
      NetworkSettings: { Networks: { net: { IPAMConfig: { IPv4Address: address } } } },
    },
  }) as never;
const named = (container: string, host: string, state: NamedInstance['state'], addresses = { net: ADDRESS }): NamedInstance =>
  ({ container, host, state, addresses, deployment: 'abc', service: 'db', allowFrom: 'none' }) as never;

describe('containers that nobody may call yet', () => {
  before(tools.use);
  after(tools.remove);
  const isClosed = (): boolean =>
    existsSync(join(tools.folder, 'rules')) && readFileSync(join(tools.folder, 'rules'), 'utf8').includes(ADDRESS);

  it('are closed from their create to their removal; an address that another has by now is open, and closed again when that one is gone', async () => {
    const allow = createAllow('vxlan', 'h1', pino({ level: 'silent' }));
    allow.changed([created('old')], []);
    await allow.settle();
    assert.ok(isClosed());
    allow.table([named('old', 'h1', 'out')]);
    await allow.settle();
    assert.ok(isClosed(), 'it is its own');
    allow.change([named('new', 'h2', 'running')], []);
    await allow.settle();
    assert.ok(!isClosed(), 'the same instance runs elsewhere');
    allow.change([named('old', 'h1', 'out')], []);
    await allow.settle();
    assert.ok(!isClosed(), 'one that runs goes before');
    allow.change([], ['new']);
    await allow.settle();
    assert.ok(isClosed());
    allow.changed([], ['old']);
    await allow.settle();
    assert.ok(!isClosed());
  });

  it('are open once a whole table says that the label is not of who made them, as one of their image', async () => {
    const allow = createAllow('vxlan', 'h1', pino({ level: 'silent' }));
    allow.changed([created('image', process.pid)], []);
    await allow.settle();
    assert.ok(isClosed());
    const { allowFrom: _none, ...instance } = named('image', 'h1', 'running');
    allow.table([instance]);
    await until(() => !isClosed(), 'it is open');
  });

  it('are those of the latest facts, also where these come while all that an agent finds is looked at', async () => {
    const allow = createAllow('vxlan', 'h1', pino({ level: 'silent' }));
    const looked = allow.all([created('runs', process.pid, '10.32.0.6'), created('gone')]);
    allow.changed([], ['gone']);
    await looked;
    await allow.settle();
    assert.match(readFileSync(join(tools.folder, 'rules'), 'utf8'), /10\.32\.0\.6/);
    assert.ok(!isClosed());
  });
});
