/** A follower's copy of the leader's view: both ends, joined by a pair of streams. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ReplicaIdentity } from '../../../src/contracts/index.ts';
import { lines } from '../../../src/engine/lines.ts';
import {
  ArpanetError,
  type ContainerFacts,
  type ContainerRecord,
  type HostFacts,
  type HostRecord,
  keys,
} from '../../../src/model/index.ts';
import { createReplicaCopy } from '../../../src/scheduler/replica/copy.ts';
import { readReplicaMessage, REPLICA_HEADER, REPLICA_PROTOCOL } from '../../../src/scheduler/replica/messages.ts';
import { createNow } from '../../../src/scheduler/replica/now.ts';
import { createReplicaSource } from '../../../src/scheduler/replica/source.ts';
import { createView } from '../../../src/scheduler/view/view.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const HOSTS = ['h1', 'h2', 'h3'];
const idOf = (n: number): string => String(n).padStart(64, '0');
const record = (name: string): HostRecord => ({
  name,
  address: '10.0.0.1',
  gateway: '10.0.0.1:1',
  labels: {},
  availability: 'active',
  joinedAtMs: 0,
});

function facts(n: number, more: Readonly<Record<string, unknown>> = {}): ContainerFacts {
  const [Id, Name] = [idOf(n), `/c${n}`];
  const State = { Status: 'running', Running: true };
  return {
    summary: { Id, Names: [Name], Image: 'i', ImageID: 'i', Created: 0, State: 'running', Status: '', Labels: {} },
    inspect: { Id, Name, Image: 'i', Created: '', State, Config: {}, HostConfig: {}, NetworkSettings: {}, ...more },
  } as unknown as ContainerFacts;
}
const containerRecord = (n: number, note: number): ContainerRecord =>
  ({
    name: `c${n}`,
    id: idOf(n),
    host: 'h1',
    note,
    deployment: 'd',
    service: 's',
    addresses: {},
    aliases: {},
    links: [],
    request: {},
  }) as unknown as ContainerRecord;

async function startPair(identify: (user: string) => undefined = () => undefined) {
  const ledger = new LiteralLedger();
  const lost = new AbortController();
  let nowMs = 1_000;
  let isNow: true | undefined = true;
  let settled: Promise<void> | undefined;
  const now = async (): Promise<true | undefined> => {
    await settled;
    return isNow;
  };
  const source = createReplicaSource({ ledger, epoch: 7, now, log: quietLog }, lost.signal);
  const view = source.reporting(createView(() => false));
  const follow = () => {
    const [ours, theirs] = duplexPair();
    const copy = createReplicaCopy();
    const answers: { readonly ask: number; readonly who: readonly ReplicaIdentity[] | undefined }[] = [];
    const begun = { isWhole: false };
    const headers = { [REPLICA_HEADER]: REPLICA_PROTOCOL };
    source.accept({ headers } as unknown as IncomingMessage, ours, Buffer.alloc(0), ({ user }) => identify(user));
    const heard = async () => {
      for await (const line of lines(theirs)) {
        if (!line.startsWith('{')) continue;
        const message = readReplicaMessage(line);
        if (message.type === 'whole') begun.isWhole = true;
        else if (message.type === 'now') answers.push({ ask: message.ask, who: message.who });
        else if (message.type !== 'begin') copy.apply(message);
      }
    };
    heard().catch(() => undefined);
    let asked = 0;
    return {
      copy,
      answers,
      /** All that was told before is in the copy. */
      async now(users: readonly string[] = []) {
        const ask = ++asked;
        const who = users.map((user) => ({ user, kind: '', fingerprint: '', issuer: '', from: '' }));
        theirs.write(`${JSON.stringify({ type: 'ask', ask, who })}\n`);
        while (!answers.some((one) => one.ask === ask) || !begun.isWhole) await new Promise((resolve) => setImmediate(resolve));
        return answers.find((one) => one.ask === ask)?.who;
      },
      isEnded: () => ours.destroyed,
      end: () => theirs.destroy(),
    };
  };
  return {
    ledger,
    view,
    source,
    follow,
    tick: () => (nowMs += 1_000),
    nowMs: () => nowMs,
    unsure: () => (isNow = undefined),
    settling(until: Promise<void> | undefined): void {
      settled = until;
    },
    lose: () => lost.abort(),
  };
}

type Pair = Awaited<ReturnType<typeof startPair>>;

/** What reads are made of. */
function shown({ view, ledger }: Pick<Pair, 'view' | 'ledger'>) {
  const { read, images } = view;
  const hosts = read.hosts().map(({ load: _load, unreachableSinceMs: _since, ...host }) => host);
  const containers = HOSTS.flatMap((host) => read.containersOn(host).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  const tags = [...images.tags()].sort(([a], [b]) => (a < b ? -1 : 1));
  const networks = ledger.list(keys.networks).map(([, value]) => value);
  return JSON.parse(JSON.stringify({ hosts, containers, tags, networks }));
}
function copied({ copy: { cluster } }: ReturnType<Pair['follow']>) {
  const hosts = cluster.hosts.list().map(({ unreachableSinceMs: _since, ...host }) => host);
  const all = cluster.containers.list();
  const containers = HOSTS.flatMap((host) => all.filter((one) => one.host === host).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  const tags = [...cluster.images.tags()].sort(([a], [b]) => (a < b ? -1 : 1));
  const networks = cluster.networks.list().map((one) => one.record);
  return JSON.parse(JSON.stringify({ hosts, containers, tags, networks }));
}

/** Each change that a leader makes to its view. */
const change = fc.record({
  kind: fc.constantFrom(
    'join',
    'state',
    'cut',
    'gone',
    'upsert',
    'remove',
    'snapshot',
    'images',
    'volumes',
    'record',
    'lost',
    'network',
    'remember',
  ),
  host: fc.constantFrom(...HOSTS),
  n: fc.nat(5),
  note: fc.nat(3),
});
type Change = typeof change extends fc.Arbitrary<infer One> ? One : never;

function perform({ kind, host, n: among, note }: Change, { view, ledger, tick, nowMs }: Pair): void {
  tick();
  // a container is on one host
  const n = among + 10 * HOSTS.indexOf(host);
  const upserts = [facts(n, { note })];
  const image = (id: number, tag: string) => ({ Id: `sha256:${idOf(id)}`, RepoTags: [tag], RepoDigests: [], Created: id, Size: 1 });
  const acts: Readonly<Record<Change['kind'], () => unknown>> = {
    join: () => view.hosts.join(record(host), { name: host, note, routes: [] } as unknown as HostFacts),
    state: () => view.hosts.setState(host, note > 1 ? 'alive' : 'down', note === 0 ? 'silent' : undefined, nowMs()),
    cut: () => view.hosts.setCutOff(host, note > 1),
    gone: () => note === 0 && view.hosts.remove(host),
    upsert: () => view.facts.apply(host, { type: 'containers', upserts, removes: [] }, nowMs()),
    remove: () => view.facts.apply(host, { type: 'containers', upserts: [], removes: [idOf(n)] }, nowMs()),
    snapshot() {
      const kept = view.read.containersOn(host).map((one) => one.facts);
      const others = kept.slice(note).filter(({ summary }) => summary.Id !== idOf(n));
      const snapshot = { containers: [...others, ...upserts], images: [image(n, 'a:1')], volumes: [], networks: [] };
      view.facts.apply(host, { type: 'snapshot', snapshot }, nowMs());
    },
    images: () => view.facts.apply(host, { type: 'images', images: [image(n, 'a:1'), image(n + 1, 'b:1')] }, nowMs()),
    volumes: () => view.facts.apply(host, { type: 'volumes', volumes: [{ Name: `v${n}`, Driver: 'local' }] }, nowMs()),
    record: () => view.records.set(`c${n}`, note === 0 ? undefined : containerRecord(n, note)),
    lost: () => view.records.setLost(new Set(note === 0 ? [idOf(n)] : [])),
    network: () =>
      ledger.apply([
        note === 0
          ? { kind: 'delete', key: keys.network(`n${n}`) }
          : { kind: 'put', key: keys.network(`n${n}`), value: { id: `n${n}`, name: `n${n}`, note } },
      ]),
    remember: () => view.records.remember(host, upserts),
  };
  acts[kind]();
}

describe("a follower's copy of the view", () => {
  it('is as the view is, whatever changes before it begins, while it is sent and afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 30 }),
        fc.array(change, { maxLength: 15 }),
        fc.array(change, { maxLength: 15 }),
        async (before, during, after) => {
          const pair = await startPair();
          for (const one of before) perform(one, pair);
          const follower = pair.follow();
          for (const one of during) {
            perform(one, pair);
            await new Promise((resolve) => setImmediate(resolve));
          }
          await follower.now();
          assert.deepEqual(copied(follower), shown(pair));
          for (const one of after) perform(one, pair);
          await follower.now();
          assert.deepEqual(copied(follower), shown(pair));
          follower.end();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has what changed before a question when the answer comes', async () => {
    const pair = await startPair();
    pair.view.hosts.join(record('h1'), { name: 'h1' } as unknown as HostFacts);
    const follower = pair.follow();
    await follower.now();
    const { version } = follower.copy.cluster.view;
    const before = version();
    pair.view.facts.apply('h1', { type: 'containers', upserts: [facts(1)], removes: [] }, 0);
    await follower.now();
    assert.equal(follower.copy.cluster.containers.one('c1').id, idOf(1));
    assert.ok(version() > before, 'what was made of it before is not ready any more');
    follower.end();
  });

  it('is told who clients are with each answer, and that a leader cannot say', async () => {
    const pair = await startPair((user) => {
      if (user === 'gone') throw new ArpanetError('unauthorized', 'nobody');
      return undefined;
    });
    const follower = pair.follow();
    assert.deepEqual(await follower.now(['ann', 'gone']), [{}, { isRefused: true }]);
    pair.unsure();
    assert.equal(await follower.now(['ann']), undefined);
    follower.end();
  });

  it('sends nothing twice of a host that comes back as it was', async () => {
    const pair = await startPair();
    pair.view.hosts.join(record('h1'), { name: 'h1' } as unknown as HostFacts);
    const snapshot = { containers: [facts(1), facts(2)], images: [], volumes: [], networks: [] };
    pair.view.facts.apply('h1', { type: 'snapshot', snapshot }, 0);
    const follower = pair.follow();
    await follower.now();
    const was = follower.copy.cluster.containers.one('c1');
    pair.view.facts.apply('h1', { type: 'snapshot', snapshot }, 0);
    await follower.now();
    assert.equal(follower.copy.cluster.containers.one('c1'), was);
    follower.end();
  });

  it('answers a question while one before it waits for a refresh', async () => {
    const pair = await startPair();
    const follower = pair.follow();
    await follower.now();
    let done = (): void => undefined;
    pair.settling(new Promise<void>((resolve) => (done = resolve)));
    const waits = follower.now(['ann']);
    await new Promise((resolve) => setImmediate(resolve));
    pair.settling(undefined);
    assert.deepEqual(await follower.now(['ann', 'bob']), [{}, {}]);
    done();
    assert.deepEqual(await waits, [{}]);
    follower.end();
  });

  it('is begun again where a change cannot be written: the change itself is made', async () => {
    const pair = await startPair();
    pair.view.hosts.join(record('h1'), { name: 'h1' } as unknown as HostFacts);
    const follower = pair.follow();
    await follower.now();
    const unwritable = facts(1, {
      toJSON() {
        throw new RangeError('Invalid string length');
      },
    });
    pair.view.facts.apply('h1', { type: 'containers', upserts: [unwritable], removes: [] }, 0);
    assert.equal(pair.view.read.byId(idOf(1))?.host, 'h1');
    assert.ok(follower.isEnded());
    const again = pair.follow();
    while (!again.isEnded()) await new Promise((resolve) => setImmediate(resolve));
  });

  it('gives what it has of hosts to one that leads, and is as it was for who still reads it', async () => {
    const pair = await startPair();
    pair.view.hosts.join(record('h1'), { name: 'h1' } as unknown as HostFacts);
    pair.view.facts.apply('h1', { type: 'containers', upserts: [facts(1)], removes: [] }, 0);
    const follower = pair.follow();
    await follower.now();
    const seeds = follower.copy.seeds();
    assert.deepEqual(
      seeds.take('h1')?.containers.map(({ summary }) => summary.Id),
      [idOf(1)],
    );
    assert.equal(seeds.take('h1'), undefined);
    assert.equal(follower.copy.cluster.containers.one('c1').host, 'h1');
    follower.end();
  });

  it('ends with the leadership', async () => {
    const pair = await startPair();
    const follower = pair.follow();
    await follower.now();
    pair.lose();
    assert.ok(follower.isEnded());
  });

  it('is refused to a scheduler of another protocol', async () => {
    const pair = await startPair();
    const [ours, theirs] = duplexPair();
    const headers = { [REPLICA_HEADER]: '0' };
    pair.source.accept({ headers } as unknown as IncomingMessage, ours, Buffer.alloc(0), () => undefined);
    const [said] = await once(theirs, 'data');
    assert.match(String(said), /^HTTP\/1.1 409 Conflict/);
  });

  it('refuses what is no read', () => {
    const { cluster } = createReplicaCopy();
    assert.throws(() => cluster.engines.endpoint('h1'), { kind: 'not-leader' });
    assert.throws(() => cluster.volumes.remove('v', true), { kind: 'not-leader' });
  });
});

describe('a leader that is asked whether a copy is as new as its view', () => {
  const parts = (more: object) => ({
    frozen: () => undefined,
    ready: async () => undefined,
    settled: () => undefined,
    log: quietLog,
    ...more,
  });

  it('waits for refreshes that are under way', async () => {
    let done = (): void => undefined;
    const settled = () => new Promise<void>((resolve) => (done = resolve));
    const now = createNow(parts({ settled }), new AbortController().signal);
    await now();
    await new Promise((resolve) => setImmediate(resolve));
    let said: true | undefined;
    const answered = now().then((one) => (said = one));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(said, undefined);
    done();
    assert.equal(await answered, true);
  });

  it('cannot say while its view is incomplete, while it may change nothing, and when it leads no more', async () => {
    const never = createNow(parts({ ready: () => new Promise(() => undefined) }), new AbortController().signal);
    assert.equal(await never(), undefined);
    const lost = new AbortController();
    let why: string | undefined;
    const now = createNow(parts({ frozen: () => why }), lost.signal);
    await now();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await now(), true);
    why = 'the store is away';
    assert.equal(await now(), undefined);
    why = undefined;
    lost.abort();
    assert.equal(await now(), undefined);
  });
});
