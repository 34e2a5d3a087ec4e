import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { openJsonFile } from '../../../src/hostagent/json-file.ts';
import { isUrgent, queueOf, readsFor, refreshFor, touchedNetwork } from '../../../src/hostagent/inventory/inventory-plan.ts';
import { busiestLink, busyShare, cpuTicks, hourWith, linkBytes, memory, smooth } from '../../../src/hostagent/load/load-figures.ts';
import { movedNetworks } from '../../../src/hostagent/overlay/moved-addresses.ts';
import { backoffMs, connectionFault } from '../../../src/hostagent/stream/stream-rules.ts';
import { asWireError } from '../../../src/hostagent/stream/wire-error.ts';
import type { EngineEvent } from '../../../src/model/docker.ts';
import { ArpanetError } from '../../../src/model/errors.ts';
import type { LoadHour } from '../../../src/model/facts.ts';
import type { NamedInstance, NameTable } from '../../../src/model/name-table.ts';

const event = (Type: string, Action: string, ID = 'c1', Attributes: Record<string, string> = {}): EngineEvent => ({
  Type,
  Action,
  Actor: { ID, Attributes },
  time: 1,
  timeNano: 1,
});

describe('what an Engine event calls for', () => {
  it('reads a container again when its state may have changed', () => {
    for (const action of ['create', 'start', 'die', 'stop', 'kill', 'rename', 'update', 'pause', 'oom', 'health_status: healthy']) {
      assert.deepEqual(refreshFor(event('container', action)), { do: 'read', container: 'c1' }, action);
    }
  });

  it('reads nothing for health checks, attach, resize and top', () => {
    for (const action of ['exec_create: /bin/sh', 'exec_start: /bin/sh', 'exec_die', 'attach', 'detach', 'resize', 'top']) {
      assert.deepEqual(refreshFor(event('container', action)), { do: 'nothing' }, action);
    }
  });

  it('forgets what was destroyed without asking for it', () => {
    assert.deepEqual(refreshFor(event('container', 'destroy')), { do: 'forget', container: 'c1' });
    assert.deepEqual(readsFor([event('container', 'die'), event('container', 'destroy')], []), { read: [], forget: ['c1'] });
  });

  it('waits for more events before it reads, but not when a name may have to leave DNS', () => {
    for (const action of ['die', 'pause', 'health_status: unhealthy']) assert.ok(isUrgent(event('container', action)), action);
    for (const action of ['create', 'start', 'kill', 'stop']) assert.ok(!isUrgent(event('container', action)), action);
    assert.ok(!isUrgent(event('image', 'pause')));
  });

  it('reads the container that joined or left a network', () => {
    assert.deepEqual(refreshFor(event('network', 'connect', 'n', { container: 'c2' })), { do: 'read', container: 'c2' });
    assert.deepEqual(refreshFor(event('network', 'create', 'n')), { do: 'nothing' });
    assert.deepEqual(touchedNetwork(event('network', 'create', 'n')), { engineId: 'n', isGone: false });
    assert.deepEqual(touchedNetwork(event('network', 'destroy', 'n')), { engineId: 'n', isGone: true });
    assert.equal(touchedNetwork(event('network', 'connect', 'n', { container: 'c2' })), undefined);
    assert.equal(touchedNetwork(event('volume', 'destroy', 'n')), undefined);
  });

  it('lists images and volumes again when they change, not when a container mounts one', () => {
    assert.deepEqual(refreshFor(event('image', 'tag')), { do: 'list' });
    assert.deepEqual(refreshFor(event('image', 'push')), { do: 'nothing' });
    assert.deepEqual(refreshFor(event('volume', 'destroy')), { do: 'list' });
    assert.deepEqual(refreshFor(event('volume', 'mount')), { do: 'nothing' });
    assert.deepEqual(
      ['image', 'volume', 'container', 'network', 'daemon'].map((type) => queueOf(event(type, 'x'))),
      ['images', 'volumes', 'containers', 'containers', 'containers'],
    );
  });

  it('reads each container once however many events it had', () => {
    const events = Array.from({ length: 1_000 }, (_, i) => event('container', 'start', `c${i % 100}`));
    assert.equal(readsFor(events, ['c1', 'x']).read.length, 101);
  });
});

describe('load', () => {
  it('is the busy share between two readings of /proc/stat, iowait counted as idle', () => {
    const before = cpuTicks('cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3');
    const after = cpuTicks('cpu  150 0 100 850 50 0 0 0 0 0\n');
    assert.deepEqual(before, { busy: 150, total: 1_000 });
    assert.equal(busyShare(before, after), 100 / 150);
    assert.equal(busyShare(after, after), 0);
  });

  it('is that of the busiest link, in its busier direction, out of /proc/net/dev', () => {
    const dev = (eth0: number, sent: number, veth: number) =>
      `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  999999999    1    0    0    0     0          0         0 999999999    1    0    0    0     0       0          0
  eth0: ${eth0}    1    0    0    0     0          0         0 ${sent}    1    0    0    0     0       0          0
veth1a:${veth} 1 0 0 0 0 0 0 ${veth} 1 0 0 0 0 0 0
`;
    const [before, after] = [linkBytes(dev(1_000, 2_000, 0)), linkBytes(dev(501_000, 1_002_000, 9e9))];
    assert.deepEqual(before.get('eth0'), { received: 1_000, sent: 2_000 });
    const speeds = new Map([['eth0', 1_000_000]]);
    assert.equal(busiestLink(before, after, 2_000, speeds), 0.5);
    assert.equal(busiestLink(before, after, 500, speeds), 1);
    assert.equal(busiestLink(after, before, 1_000, speeds), 0, 'a counter that began again');
    assert.equal(busiestLink(before, after, 1_000, new Map([['gone', 1]])), 0);
    assert.equal(busiestLink(new Map(), linkBytes('nonsense: a b'), 1_000, speeds), 0);
  });

  it('follows a change by two thirds within its time constant', () => {
    assert.ok(Math.abs(smooth(0, 1, 5_000, 5_000) - 0.632) < 0.001);
  });

  it('has sixty minutes to tell of, in whole percents, the newest last', () => {
    let hour: LoadHour = { cpu: [], memory: [] };
    for (let minute = 0; minute < 100; minute++) hour = hourWith(hour, minute / 99, 1.2);
    assert.deepEqual([hour.cpu.length, hour.memory.length, hour.cpu[0], hour.cpu[59], hour.memory[0]], [60, 60, 40, 100, 100]);
  });

  it('counts as used what is not available', () => {
    assert.deepEqual(memory('MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:   400 kB\n'), {
      totalBytes: 1_024_000,
      usedBytes: 614_400,
    });
  });
});

describe('the stream', () => {
  it('dials again after 100 ms to 1 s, and after a refusal slowly', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 50].map((failures) => backoffMs(failures, false, 1)),
      [100, 200, 400, 800, 1_000, 1_000],
    );
    assert.equal(backoffMs(0, false, 0), 75);
    assert.ok(backoffMs(1, true, 0) >= 3_750);
  });

  it('leaves a leader that answered beats and no longer does, but not one that never answered', () => {
    const vitals = { nowMs: 20_000, heardAtMs: 15_000, flushedAtMs: 20_000, backlogBytes: 0 };
    assert.equal(connectionFault(vitals), undefined);
    assert.match(connectionFault({ ...vitals, heardAtMs: 9_000 }) ?? '', /does not answer/);
    assert.equal(connectionFault({ ...vitals, heardAtMs: undefined }), undefined);
    assert.match(connectionFault({ ...vitals, flushedAtMs: 9_000 }) ?? '', /does not read/);
    assert.match(connectionFault({ ...vitals, backlogBytes: 2 ** 30 }) ?? '', /slowly/);
  });

  it('sends the cause too, because the leader does not see this host’s log', () => {
    const error = new ArpanetError('unavailable', 'cannot reach x', { cause: new Error('connect ECONNREFUSED') });
    assert.deepEqual(asWireError(error), { kind: 'unavailable', message: 'cannot reach x: connect ECONNREFUSED' });
    assert.deepEqual(asWireError(new ArpanetError('engine', 'no', { engineStatus: 404 })), {
      kind: 'engine',
      message: 'no',
      engineStatus: 404,
    });
  });
});

describe('moves', () => {
  const instance = (id: string, host: string, addresses: Record<string, string>): NamedInstance => ({
    id,
    container: id,
    name: id,
    deployment: 'abc',
    service: 'a',
    number: 1,
    host,
    addresses,
    aliases: {},
    links: {},
    ports: [],
    state: 'running',
    ready: true,
  });
  const table = (...instances: NamedInstance[]): NameTable => ({ version: 1, epoch: 1, atMs: 0, instances });

  it('names the networks in which an address is behind another host now', () => {
    const before = table(instance('a', 'h1', { n1: '10.0.0.1', n2: '10.1.0.1' }), instance('b', 'h1', { n3: '10.2.0.1' }));
    const after = table(instance('a', 'h2', { n1: '10.0.0.1', n2: '10.1.0.9' }), instance('b', 'h1', { n3: '10.2.0.1' }));
    assert.deepEqual(movedNetworks(before.instances, after.instances), ['n1']);
    assert.deepEqual(movedNetworks([], after.instances), []);
  });
});

const numbers = { schema: z.number(), loss: '' };

describe('what outlives the agent', () => {
  it('is on the disk at once when it changes after a rest, and the last of many changes in the end', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-kept-'));
    t.after(() => rmSync(dir, { recursive: true }));
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const file = join(dir, 'names.json');
    const kept = openJsonFile(file, numbers, { warn: () => undefined, error: () => undefined } as never);
    const until = async (holds: () => boolean) => {
      for (const endMs = performance.now() + 5_000; !holds(); await turn()) assert.ok(performance.now() < endMs);
    };
    const written = () => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as number) : undefined);
    kept.save(1);
    await until(() => written() === 1);
    for (const value of [2, 3, 4]) kept.save(value);
    await until(() => {
      t.mock.timers.tick(500);
      return written() === 4;
    });
    assert.equal(openJsonFile(file, numbers, { warn: () => undefined } as never).value(), 4);
  });
});
