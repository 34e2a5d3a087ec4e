/** How an instance moves to another host, step by step, on literal hosts. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import {
  ArpanetError,
  type ContainerView,
  keys,
  type MigrationRecord,
  type Placement,
  type ServiceTemplate,
} from '../../../src/model/index.ts';
import { createCore } from '../../../src/services/core.ts';
import type { ServicesDeps } from '../../../src/services/deps.ts';
import { createMigrations } from '../../../src/services/hosts/migration.ts';
import type { InstanceActions } from '../../../src/services/replicas/instance-actions.ts';
import { instanceName, instanceRequest } from '../../../src/services/replicas/template.ts';
import { newRecord } from '../../../src/services/service-record.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const id = { deployment: 'abc', service: 'web' };
const labels = (number: number) => ({
  'com.docker.compose.project': 'abc',
  'com.docker.compose.service': 'web',
  'com.docker.compose.container-number': String(number),
});

describe('an instance that moves', () => {
  let there: ContainerView[];
  let steps: string[];
  let refusals: number;
  let dies: () => void;
  let isBack: boolean;
  /** Happens after each look at what is there. */
  let asked: () => void;
  let broken: (name: string, on: string | undefined) => boolean;
  let placement: Placement;
  let ledger: LiteralLedger;
  beforeEach(() => {
    there = [];
    steps = [];
    refusals = 0;
    dies = () => undefined;
    isBack = false;
    asked = () => undefined;
    broken = () => false;
    placement = { kind: 'placed', decision: { host: 'h2', strategy: 'spread', atMs: 1, scored: [], refused: [] } };
    ledger = new LiteralLedger();
  });

  function runs(name: string, number: number, more: { host?: string; requestId?: string } = {}): ContainerView {
    const record = literalRecord(name, { ...id, number, request: { Image: 'busybox', Labels: labels(number) }, ...more });
    const unique = { ...record, id: `${name}@${record.host}` };
    const view = literalView(unique, { state: { Health: { Status: broken(name, more.host) ? 'unhealthy' : 'healthy' } } });
    there.push(view);
    return view;
  }
  const made = (template: ServiceTemplate, number: number, on = 'h2') => {
    const name = instanceName(template, number);
    steps.push(`add ${name} on ${on}`);
    assert.equal(instanceRequest(template, number).Image, 'busybox');
    return runs(name, number, { host: on, requestId: 'replica-1' }).id;
  };
  const actions = {
    add: async (template, number, on) => made(template, number, on),
    remove: async (container) => {
      steps.push(`remove ${container.id}`);
      if (refusals-- > 0) throw new Error('its host is down');
      if (container.host === 'h1') dies();
      there = there.filter((one) => one.id !== container.id);
    },
    replaceLost: async (container) => {
      steps.push(`replace ${container.id}`);
      if (isBack) {
        there = there.map((one) => (one.id === container.id ? { ...one, hostState: 'alive' } : one));
        throw new ArpanetError('conflict', `host ${container.host} has reconnected`);
      }
      if (container.hostState !== 'down')
        throw new ArpanetError('conflict', `${container.name} is not lost: host ${container.host} is ${container.hostState}`);
      there = there.filter((one) => one.id !== container.id);
      runs(container.name, container.record?.number ?? 0, { host: 'h3', requestId: 'replica-2' });
    },
  } as Pick<InstanceActions, 'add' | 'remove' | 'replaceLost'> as InstanceActions;
  const migrations = () => {
    const scheduler = {
      containers: {
        list: () => {
          const now = there;
          asked();
          return now;
        },
      },
      view: { containersBy: { service: () => there, serviceRecords: () => [] } },
      networks: { planAsked: () => [] },
    } as unknown as ServicesDeps['scheduler'];
    const deps = { scheduler, ledger, log: quietLog, now: () => 1_000, rehearse: () => [placement] } as unknown as ServicesDeps;
    return createMigrations(createCore(deps, new AbortController().signal), actions);
  };
  const left = () => there.map((one) => one.id).sort();

  it('has its name and number on the other host, and a substitute takes over meanwhile', async () => {
    const first = runs('abc-web-1', 1);
    runs('abc-web-3', 3);
    const moved = await migrations().move(id, first, 'h3');
    assert.deepEqual(steps, ['add abc-web-4 on h2', 'remove abc-web-1@h1', 'add abc-web-1 on h3', 'remove abc-web-4@h2']);
    assert.deepEqual([moved.id, left()], ['abc-web-1@h3', ['abc-web-1@h3', 'abc-web-3@h1']]);
    assert.deepEqual(ledger.list(keys.migrations), []);
  });

  it('whose host dies while it is taken away is replaced there, as what a lost host had: its name and address stay its own', async () => {
    const first = runs('abc-web-1', 1);
    dies = () => {
      there = there.map((one) => (one.host === 'h1' ? { ...one, hostState: 'down' } : one));
      throw new ArpanetError('unavailable', 'host h1 is down: no heartbeat for 10 s or more');
    };
    const moved = await migrations().move(id, first, 'h3');
    assert.deepEqual(steps, ['add abc-web-2 on h2', 'remove abc-web-1@h1', 'replace abc-web-1@h1', 'remove abc-web-2@h2']);
    assert.deepEqual([moved.id, left()], ['abc-web-1@h3', ['abc-web-1@h3']]);
  });

  it('whose host dies when its removal is recorded, and not answered yet, is made in its place at once', async () => {
    const first = runs('abc-web-1', 1);
    dies = () => {
      there = there.map(({ record, ...one }) =>
        one.host === 'h1' ? { ...one, record: undefined, hostState: 'down' } : { ...one, record },
      );
      throw new ArpanetError('unavailable', 'host h1 is down: no heartbeat for 10 s or more');
    };
    await migrations().move(id, first, 'h3');
    assert.deepEqual(steps, ['add abc-web-2 on h2', 'remove abc-web-1@h1', 'add abc-web-1 on h3', 'remove abc-web-2@h2']);
  });

  it('is not taken off its host by the next leader until that knows whether the host is there', async () => {
    const first = runs('abc-web-1', 1);
    runs('abc-web-2', 2, { host: 'h2', requestId: 'replica-1' });
    const become = (hostState: ContainerView['hostState']) => {
      there = there.map((one) => (one.id === first.id ? { ...one, hostState } : one));
    };
    become('joining');
    const base: MigrationRecord = { ...id, from: first.id, name: first.name, host: 'h1', number: 2, keeps: 1, startedAtMs: 1 };
    ledger.apply([{ kind: 'put', key: keys.migration('abc', 'web'), value: base }]);
    asked = () => become('down');
    await migrations().resume();
    assert.deepEqual(steps, ['replace abc-web-1@h1', 'remove abc-web-2@h2']);
  });

  it('whose host is back before it is replaced is removed there', async () => {
    const first = runs('abc-web-1', 1);
    there = [{ ...first, hostState: 'down' }];
    isBack = true;
    await migrations().move(id, first, 'h3');
    const expected = ['replace abc-web-1@h1', 'remove abc-web-1@h1', 'add abc-web-1 on h3', 'remove abc-web-2@h2'];
    assert.deepEqual([steps.slice(1), left()], [expected, ['abc-web-1@h3']]);
  });

  it('of many hosts that are lost together stays, and keeps its address: its move has failed', async () => {
    const first = runs('abc-web-1', 1);
    there = [{ ...first, hostState: 'suspect' }];
    await assert.rejects(migrations().move(id, first, 'h3'), /is not lost: host h1 is suspect/);
    assert.ok(left().includes('abc-web-1@h1'), 'what else there is, is one too many for its count');
    assert.deepEqual(ledger.list(keys.migrations), []);
  });

  it('leaves no substitute behind whose host dies while it is taken away', async () => {
    const first = runs('abc-web-1', 1);
    broken = (_name, on) => {
      // once it is made in its place, the substitute is all that is left to remove
      if (on === 'h3') refusals = 1;
      return false;
    };
    const moved = await migrations().move(id, first, 'h3');
    assert.deepEqual(steps.slice(-2), ['remove abc-web-2@h2', 'remove abc-web-2@h2']);
    assert.deepEqual([moved.id, left()], ['abc-web-1@h3', ['abc-web-1@h3']]);
  });

  it('stays where it is if its substitute fails; if it cannot run on the other host, the substitute stays', async () => {
    const first = runs('abc-web-1', 1);
    broken = (name) => name === 'abc-web-2';
    await assert.rejects(migrations().move(id, first), /its replacement failed: abc-web-2 is unhealthy/);
    assert.deepEqual(left(), ['abc-web-1@h1']);
    broken = (name, on) => name === 'abc-web-1' && on === 'h3';
    assert.equal((await migrations().move(id, first, 'h3')).name, 'abc-web-2');
    assert.deepEqual(left(), ['abc-web-2@h2']);
  });

  it('whose name only one can have stops before it starts elsewhere; not where no host takes it', async () => {
    const only = runs('db', 1);
    placement = { kind: 'refused', message: 'no host fits', refused: [] };
    await assert.rejects(migrations().move(id, only), /no host fits/);
    assert.deepEqual([steps, left()], [[], ['db@h1']]);
    placement = { ...placement, kind: 'placed', decision: { host: 'h2', strategy: 'spread', atMs: 1, scored: [], refused: [] } };
    await migrations().move(id, only);
    assert.deepEqual([steps, left()], [['remove db@h1', 'add db on h2'], ['db@h2']]);
    assert.deepEqual(ledger.list(keys.services), [], 'nobody has asked for its count to be held');
    const again = there[0];
    assert.ok(again);
    broken = () => true;
    await assert.rejects(migrations().move(id, again), /db is unhealthy/);
    assert.equal(ledger.list(keys.services).length, 1, 'it is tried again');
  });

  it('of a service of the services API has its name and number there, too', async () => {
    const first = runs('abc-web-1', 1);
    const template = { name: first.name, number: 1, request: first.record?.request ?? {} };
    ledger.apply([
      { kind: 'put', key: keys.service('abc', 'web'), value: newRecord(id, { origin: 'api', desired: 1, template, nowMs: 1 }) },
    ]);
    await migrations().move(id, first);
    assert.deepEqual(steps, ['add abc-web-2 on h2', 'remove abc-web-1@h1', 'add abc-web-1 on h2', 'remove abc-web-2@h2']);
  });

  it('under another number, as an earlier release began it, is finished so', async () => {
    runs('abc-web-1', 1);
    const begun: MigrationRecord = { ...id, from: 'abc-web-1@h1', name: 'abc-web-1', host: 'h1', number: 2, startedAtMs: 1 };
    ledger.apply([{ kind: 'put', key: keys.migration('abc', 'web'), value: begun }]);
    await migrations().resume();
    assert.deepEqual(steps, ['add abc-web-2 on h2', 'remove abc-web-1@h1']);
  });

  it('is finished by the next leader, wherever the last one stopped', async () => {
    const base: MigrationRecord = { ...id, from: 'abc-web-1@h1', name: 'abc-web-1', host: 'h1', number: 2, keeps: 1, startedAtMs: 1 };
    const ours = { host: 'h2', requestId: 'replica-1' };
    for (const [begun, expected] of [
      [() => runs('abc-web-1', 1), 4],
      [() => [runs('abc-web-1', 1), runs('abc-web-2', 2, ours)], 3],
      [() => runs('abc-web-2', 2, ours), 2],
      [() => [runs('abc-web-2', 2, ours), runs('abc-web-1', 1, ours)], 1],
      [() => runs('abc-web-1', 1, ours), 0],
    ] as const) {
      there = [];
      steps = [];
      begun();
      ledger.apply([{ kind: 'put', key: keys.migration('abc', 'web'), value: base }]);
      await migrations().resume();
      assert.deepEqual([steps.length, left()], [expected, ['abc-web-1@h2']], steps.join());
      assert.deepEqual(ledger.list(keys.migrations), []);
    }
  });
});
