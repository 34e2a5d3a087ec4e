/** An agent that comes back tells what its leader does not hold, and no more: both ends, joined by a pair of functions. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStateSender, PIECE } from '../../../src/hostagent/stream/state-sender.ts';
import type { AgentMessage, ContainerFacts, EngineSnapshot, HostFacts, HostRecord, LeaderMessage } from '../../../src/model/index.ts';
import { createResumes, MOST_BYTES, MOST_CONTAINERS } from '../../../src/scheduler/agents/resumes.ts';
import { createView } from '../../../src/scheduler/view/view.ts';
import { quietLog } from '../../support/cluster/lab.ts';

const idOf = (n: number): string => String(n).padStart(64, 'c');

function facts(n: number, change: Readonly<Record<string, unknown>> = {}): ContainerFacts {
  const Id = idOf(n);
  return {
    summary: { Id, Names: [`/c${n}`], Image: 'i', ImageID: 'i', Created: 0, State: 'running', Status: 'Up 1 second', Labels: {} },
    inspect: {
      Id,
      Name: `/c${n}`,
      Image: 'i',
      Created: '',
      State: { Status: 'running', Running: true },
      Config: {},
      HostConfig: {},
      NetworkSettings: {},
      ...change,
    },
  } as unknown as ContainerFacts;
}

/** A host of plain data and its leader; what is said goes over a wire that is read at the end of each turn. */
function startPair(before: readonly ContainerFacts[], now: readonly ContainerFacts[] = before, seeded?: readonly ContainerFacts[]) {
  const sent: AgentMessage[] = [];
  const bytes: number[] = [];
  const view = createView(() => false);
  const record: HostRecord = { name: 'h1', address: '10.0.0.1', gateway: '10.0.0.1:1', labels: {}, availability: 'active', joinedAtMs: 0 };
  view.hosts.join(record, { name: 'h1', routes: [] } as unknown as HostFacts);
  const state = { containers: [...now], images: [], volumes: [{ Name: 'v', Driver: 'local' }], networks: [] };
  view.facts.apply('h1', { type: 'snapshot', snapshot: overWire({ ...state, containers: before }) }, 0);
  const answers: LeaderMessage[] = [];
  const snapshots: EngineSnapshot[] = [];
  const hub = { send: async (_host: string, message: LeaderMessage) => answers.push(message) > 0 };
  const others = { images: state.images, volumes: state.volumes, networks: state.networks };
  const seeds = { take: () => overWire(seeded && { containers: [...seeded], ...others }) };
  const resumes = createResumes({ hub, view: view.read, ...(seeded && { seeds }), log: quietLog });
  const hear = (message: AgentMessage, length?: number): void => {
    sent.push(message);
    const text = JSON.stringify(message);
    bytes.push(text.length);
    const fact = resumes.read('h1', JSON.parse(text), length ?? text.length);
    if (fact?.type === 'snapshot') snapshots.push(fact.snapshot);
    if (fact?.type === 'snapshot' || fact?.type === 'containers') view.facts.apply('h1', fact, 0);
  };
  let unflushed = 0;
  let mostUnflushed = 0;
  let onFlush: (() => void) | undefined;
  const sender = createStateSender({
    state: () => state,
    trouble: () => undefined,
    isJoined: () => true,
    send(message) {
      unflushed += 1;
      mostUnflushed = Math.max(mostUnflushed, unflushed);
      hear(message);
    },
    async flushed() {
      unflushed = 0;
      onFlush?.();
      return true;
    },
  });
  const resume = async (): Promise<void> => {
    sender.joined({ compares: true });
    unflushed = 0;
    mostUnflushed = 0;
    const held = answers.at(-1);
    assert.ok(held?.type === 'held');
    await sender.held(overWire(held));
  };
  return {
    state,
    view,
    sent,
    bytes,
    sender,
    hear,
    snapshots,
    resume,
    shown: () => view.read.containersOn('h1').map((one) => [one.id, one.facts.inspect.Config.Hostname ?? ''] as const),
    mostUnflushed: () => mostUnflushed,
    eachFlush(act: () => void) {
      onFlush = act;
    },
  };
}

const overWire = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));

describe('a host that comes back', () => {
  it('is known by its digest: nothing of its containers is sent, and what is held stays the same', async () => {
    const all = Array.from({ length: 300 }, (_, n) => facts(n));
    const pair = startPair(
      all,
      all.map((one) => ({ ...one, summary: { ...one.summary, Status: 'Up 3 hours' } })),
    );
    const before = pair.view.read.byId(idOf(7));
    await pair.resume();
    assert.deepEqual(
      pair.sent.map(({ type }) => type),
      ['have'],
    );
    assert.ok((pair.bytes[0] ?? 0) < 100);
    assert.equal(pair.snapshots.length, 1, 'the leader goes on as after a snapshot');
    assert.equal(pair.view.read.byId(idOf(7)), before);
  });

  it('sends what differs, and no more', async () => {
    const pair = startPair([facts(1), facts(2), facts(3)], [facts(1), facts(3, { Config: { Hostname: 'other' } }), facts(4)]);
    await pair.resume();
    const pieces = pair.sent.flatMap((message) => (message.type === 'piece' ? message.containers : []));
    assert.deepEqual(
      pieces.map(({ summary }) => summary.Id),
      [idOf(3), idOf(4)],
    );
    const rest = pair.sent.at(-1);
    assert.ok(rest?.type === 'rest' && rest.images === undefined && rest.volumes === undefined);
    assert.deepEqual(pair.shown(), [
      [idOf(1), ''],
      [idOf(3), 'other'],
      [idOf(4), ''],
    ]);
    assert.deepEqual(pair.snapshots.at(-1)?.volumes, pair.state.volumes);
  });

  it('of 500 containers with 50 KB each is told in bounded pieces, one at a time', async () => {
    const Env = [`TEXT=${'x'.repeat(50_000)}`];
    const pair = startPair(
      [],
      Array.from({ length: 500 }, (_, n) => facts(n, { Config: { Env } })),
    );
    await pair.resume();
    assert.ok(Math.max(...pair.bytes) < PIECE * 1.1, `${Math.max(...pair.bytes)} characters at once`);
    assert.equal(pair.mostUnflushed(), 1);
    assert.equal(pair.view.read.containersOn('h1').length, 500);
  });

  it('goes on changing meanwhile: what is newer stays', async () => {
    const Env = [`TEXT=${'x'.repeat(PIECE)}`];
    const pair = startPair([facts(9)], [facts(1, { Config: { Env } }), facts(2, { Config: { Env } }), facts(9)]);
    let flushes = 0;
    pair.eachFlush(() => {
      flushes += 1;
      const change = (upserts: readonly ContainerFacts[], removes: readonly string[]): void => {
        const message = { type: 'containers', upserts, removes } as const;
        pair.sender.changed(message);
        pair.hear(message);
      };
      if (flushes !== 1) return;
      // 1 is on the way already, 2 is not; 9 was not to be sent
      const newer = [facts(1, { Config: { Hostname: 'newer' } }), facts(2, { Config: { Hostname: 'newer' } }), facts(5)];
      pair.state.containers = newer;
      change(newer, [idOf(9)]);
    });
    await pair.resume();
    assert.deepEqual(
      pair.shown().toSorted(([a], [b]) => (a < b ? -1 : 1)),
      [
        [idOf(1), 'newer'],
        [idOf(2), 'newer'],
        [idOf(5), ''],
      ],
    );
  });

  it('ends a transfer when another begins', async () => {
    const Env = [`TEXT=${'x'.repeat(PIECE)}`];
    const pair = startPair([], [facts(1, { Config: { Env } }), facts(2, { Config: { Env } })]);
    pair.eachFlush(() => pair.sender.again());
    await pair.resume();
    assert.equal(pair.sent.filter(({ type }) => type === 'piece').length, 1);
    assert.equal(pair.sent.at(-1)?.type, 'have');
  });

  it('is not said to have an Engine that answers before what it has is there', async () => {
    const pair = startPair([facts(1)], [facts(1, { State: { Status: 'exited', Running: false } })]);
    pair.sender.joined({ compares: true });
    pair.sender.again();
    assert.deepEqual(
      pair.sent.map(({ type }) => type),
      ['have', 'have'],
    );
    await pair.resume();
    assert.equal(pair.sent.filter(({ type }) => type === 'engine').length, 0);
    assert.equal(pair.view.read.byId(idOf(1))?.facts.inspect.State.Running, false);
  });

  it('is compared with what a leader had of it when it followed, and not with what its records say', async () => {
    const all = Array.from({ length: 50 }, (_, n) => facts(n));
    const recorded = all.map(({ summary }, n) => facts(n, { Config: { Hostname: `a record of ${summary.Id}` } }));
    const same = startPair(recorded, all, all);
    await same.resume();
    assert.deepEqual(
      same.sent.map(({ type }) => type),
      ['have'],
    );
    assert.equal(same.view.read.byId(idOf(7))?.facts.inspect.Config.Hostname, undefined);
    const changed = startPair(recorded, [...all.slice(1), facts(99)], all);
    await changed.resume();
    const sent = changed.sent.flatMap((message) => (message.type === 'piece' ? message.containers : []));
    assert.deepEqual(
      sent.map(({ summary }) => summary.Id),
      [idOf(99)],
    );
    assert.deepEqual(
      changed.shown().map(([id]) => id),
      [...all.slice(1), facts(99)].map(({ summary }) => summary.Id),
    );
  });

  it('keeps what has changed since it began, whatever was held of it before', async () => {
    const seeded = [facts(1), facts(2)];
    const pair = startPair([], [facts(1, { Config: { Hostname: 'newer' } })], seeded);
    pair.sender.joined({ compares: true });
    pair.hear({ type: 'containers', upserts: [facts(1, { Config: { Hostname: 'newer' } })], removes: [idOf(2)] });
    pair.hear({ type: 'rest', containers: [idOf(1)], networks: [] });
    assert.deepEqual(pair.shown(), [[idOf(1), 'newer']]);
  });

  it('cannot take the memory of its leader by containers without end', () => {
    const { hear } = startPair([]);
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => ({ summary: { Id: idOf(from + n) }, inspect: {} }) as unknown as ContainerFacts);
    hear({ type: 'piece', containers: many(0, MOST_CONTAINERS) });
    hear({ type: 'piece', containers: many(0, 2) });
    assert.throws(() => hear({ type: 'piece', containers: many(MOST_CONTAINERS, 1) }), { kind: 'too-large' });
    hear({ type: 'have', digest: '' });
    for (let i = 0; i < 10; i++) hear({ type: 'piece', containers: many(0, 1) }, MOST_BYTES / 10);
    assert.throws(() => hear({ type: 'piece', containers: many(0, 1) }, 100), { kind: 'too-large' });
    assert.throws(() => hear({ type: 'containers', upserts: many(0, MOST_CONTAINERS + 1), removes: [] }), { kind: 'too-large' });
    const ids = Array.from({ length: MOST_CONTAINERS + 1 }, (_, n) => idOf(n));
    assert.throws(() => hear({ type: 'rest', containers: ids, networks: [] }), { kind: 'too-large' });
  });

  it('is told of a container once, however often its host names it', () => {
    const pair = startPair([]);
    pair.sender.joined({ compares: true });
    pair.hear({ type: 'piece', containers: [facts(1)] });
    pair.hear({ type: 'rest', containers: [idOf(1), idOf(1), idOf(1)], networks: [] });
    assert.equal(pair.snapshots.at(-1)?.containers.length, 1);
  });

  it('tells an older leader all at once', () => {
    const pair = startPair([facts(1)]);
    pair.sender.joined({});
    assert.deepEqual(
      pair.sent.map(({ type }) => type),
      ['engine', 'snapshot'],
    );
  });
});
