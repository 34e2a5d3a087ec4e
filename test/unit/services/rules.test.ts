import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planDrain } from '../../../src/services/hosts/drain-plan.ts';
import { findService, findServices, parseScaling, scaled } from '../../../src/services/service-reference.ts';
import { type Attempt, backoffMs, isTaskLost, reconcile } from '../../../src/services/replicas/replica-plan.ts';
import { fitness, inItsDirection, nextBatch } from '../../../src/services/rollout/rollout-plan.ts';
import { ArpanetError, type ContainerView, type ServiceRecord, type ServiceView, UPDATE_DEFAULTS } from '../../../src/model/index.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const iso = (agoMs: number) => new Date(NOW - agoMs).toISOString();

interface Wish {
  readonly number: number;
  readonly status?: string;
  readonly exitCode?: number;
  readonly policy?: string;
  readonly createdAtMs?: number;
  readonly ours?: boolean;
  readonly image?: string;
  readonly health?: string;
  readonly host?: string;
  readonly startedAgoMs?: number;
  readonly finishedAgoMs?: number;
  readonly mounts?: readonly object[];
  readonly labels?: Readonly<Record<string, string>>;
}

function instance(wish: Wish): ContainerView {
  const { number, status = 'running', exitCode = 0, image = 'busybox', host = 'h1' } = wish;
  const id = `id${number}${image}`;
  const name = `abc-web-${number}`;
  const request = {
    Image: image,
    Labels: {
      'com.docker.compose.project': 'abc',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': String(number),
      ...wish.labels,
    },
  };
  return {
    id,
    name,
    host,
    hostState: 'alive',
    facts: {
      summary: { Mounts: wish.mounts ?? [] },
      inspect: {
        Id: id,
        State: {
          Status: status,
          Running: status === 'running',
          Restarting: false,
          ExitCode: exitCode,
          StartedAt: iso(wish.startedAgoMs ?? 60_000),
          FinishedAt: iso(wish.finishedAgoMs ?? 30_000),
          ...(wish.health === undefined ? {} : { Health: { Status: wish.health } }),
        },
        HostConfig: { RestartPolicy: { Name: wish.policy ?? '' } },
        Config: {},
      },
    },
    record: {
      name,
      id,
      host,
      deployment: 'abc',
      service: 'web',
      number,
      request,
      createdAtMs: wish.createdAtMs ?? number,
      ...(wish.ours === true ? { requestId: 'replica-1' } : {}),
    },
  } as unknown as ContainerView;
}

const record = (desired: number, more: Partial<ServiceRecord> = {}): ServiceRecord => ({
  deployment: 'abc',
  service: 'web',
  origin: 'client',
  desired,
  countedAtMs: 1_000,
  template: { name: 'abc-web-1', number: 1, request: instance({ number: 1 }).record?.request ?? {} },
  update: UPDATE_DEFAULTS,
  labels: {},
  stopped: [],
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
  ...more,
});
const steps = (
  kept: ServiceRecord,
  instances: readonly ContainerView[],
  attempts: readonly (readonly [string, Attempt])[] = [],
  unseen: readonly { readonly number: number; readonly host: string }[] = [],
) => reconcile({ record: kept, instances, unseen, attempts: new Map(attempts), nowMs: NOW });
const short = (result: ReturnType<typeof reconcile>) =>
  result.steps.map((step) =>
    step.do === 'add' ? `add ${step.number}` : step.do === 'count' ? `count ${step.desired}` : `${step.do} ${step.container.name}`,
  );

describe('the count that is held', () => {
  const three = [1, 2, 3].map((number) => instance({ number }));

  it('makes what is missing under the lowest free numbers', () => {
    assert.deepEqual(short(steps(record(4), [instance({ number: 2 })])), ['add 1', 'add 3', 'add 4']);
    assert.deepEqual(short(steps(record(3), three)), []);
  });

  it('takes the highest numbers away first', () => {
    assert.deepEqual(short(steps(record(1), three)), ['remove abc-web-3', 'remove abc-web-2']);
  });

  it('takes the substitute away, and not the instance that has moved and is newer', () => {
    const moved = [
      instance({ number: 1 }),
      instance({ number: 2, createdAtMs: 2_000, ours: true }),
      instance({ number: 3 }),
      instance({ number: 4, ours: true }),
    ];
    assert.deepEqual(short(steps(record(3), moved)), ['remove abc-web-4']);
  });

  it('takes what is recorded and not to be seen just now for there', () => {
    assert.deepEqual(
      short(
        steps(
          record(3),
          three.slice(0, 1),
          [],
          [
            { number: 2, host: 'h2' },
            { number: 3, host: 'h2' },
          ],
        ),
      ),
      [],
    );
  });

  it('counts a client’s instance that nobody has counted yet, and never removes it', () => {
    const uncounted = [...three, instance({ number: 4, createdAtMs: 2_000 })];
    assert.deepEqual(short(steps(record(3), uncounted)), ['count 4']);
    assert.deepEqual(short(steps(record(3), [...three, instance({ number: 4, createdAtMs: 2_000, ours: true })])), ['remove abc-web-4']);
  });

  it('leaves the two containers of one instance to compose while it recreates', () => {
    assert.deepEqual(short(steps(record(3), [...three, instance({ number: 3, image: 'new' })])), []);
  });

  it('starts again what died, not what a user stopped, not a job that is done', () => {
    const dead = instance({ number: 1, status: 'exited', exitCode: 1 });
    assert.deepEqual(short(steps(record(1), [dead])), ['start abc-web-1']);
    assert.deepEqual(short(steps(record(1, { stopped: [dead.id] }), [dead])), []);
    assert.deepEqual(short(steps(record(1), [instance({ number: 1, status: 'exited' })])), []);
    assert.deepEqual(short(steps(record(1), [instance({ number: 1, status: 'exited', policy: 'always' })])), ['start abc-web-1']);
    assert.deepEqual(short(steps(record(1), [instance({ number: 1, status: 'created' })])), []);
    const begun = instance({ number: 1, status: 'created', ours: true });
    assert.deepEqual(short(steps(record(1), [begun])), ['start abc-web-1']);
    Object.assign(begun.facts.inspect.State, { StartedAt: '', FinishedAt: '' });
    assert.deepEqual(short(steps(record(1), [begun])), ['start abc-web-1'], 'its Engine reports no times');
  });

  it('waits longer each time for one that cannot be started, however long it had run before', () => {
    const dead = instance({ number: 1, status: 'exited', exitCode: 137, startedAgoMs: 300_000, finishedAgoMs: 3_000 });
    const { StartedAt: startedAt } = dead.facts.inspect.State;
    const after = (attempt: Omit<Attempt, 'atMs'>) => {
      const { steps: todo, againAtMs } = steps(record(1), [dead], [[dead.id, { ...attempt, atMs: NOW - 3_000 }]]);
      return [todo.map((step) => step.do).join(), againAtMs && againAtMs - NOW];
    };
    assert.deepEqual(after({ count: 3, startedAt }), ['', 5_000]);
    assert.deepEqual(after({ count: 3, startedAt: iso(600_000) }), ['start', undefined], 'it has run for minutes since');
  });

  it('makes one again that its Engine has lost track of, unless it has volumes that nobody could find again', () => {
    const lost = (mounts: readonly object[] = []) => {
      const dead = instance({ number: 1, status: 'exited', exitCode: 137, startedAgoMs: 300_000 });
      Object.assign(dead.facts.inspect, { Mounts: mounts });
      return dead;
    };
    const todo = (one: ContainerView, count: number) => {
      const { StartedAt: startedAt } = one.facts.inspect.State;
      return short(steps(record(1), [one], [[one.id, { count, atMs: NOW - 60_000, startedAt, isTaskLost: true }]]));
    };
    assert.deepEqual([todo(lost(), 2), todo(lost(), 3)], [['start abc-web-1'], ['remove abc-web-1']]);
    assert.deepEqual(todo(lost([{ Type: 'volume', Name: 'data' }]), 3), ['remove abc-web-1']);
    assert.deepEqual(todo(lost([{ Type: 'volume', Name: 'f'.repeat(64) }]), 3), ['start abc-web-1']);
    const refusal = (message: string) => new ArpanetError('engine', message, { engineStatus: 500 });
    assert.ok(isTaskLost(refusal(`host h2: task ${'5'.repeat(64)}: already exists`)));
    assert.ok(!isTaskLost(refusal('host h2: driver failed programming external connectivity')));
  });

  it('starts an instance with a restart rule when its delay is over, so often as the rule allows within its window', () => {
    const dead = (rule: string, wish: Partial<Wish> = {}) =>
      instance({ number: 1, status: 'exited', exitCode: 1, finishedAgoMs: 3_000, labels: { 'arpanet.restart': rule }, ...wish });
    const of = (rule: string, wish: Partial<Wish> = {}, times: readonly number[] = []) => {
      const one = dead(rule, wish);
      const result = steps(record(1), [one], times.length === 0 ? [] : [[one.id, { count: times.length, atMs: NOW, times }]]);
      return [short(result).join(), result.againAtMs, result.trouble];
    };
    assert.deepEqual(of('any,delay=5s'), ['', NOW + 2_000, undefined]);
    assert.deepEqual(of('any,delay=2s'), ['start abc-web-1', undefined, undefined]);
    assert.deepEqual(of('any,delay=1s', { exitCode: 0 }), ['start abc-web-1', undefined, undefined]);
    assert.deepEqual(of('on-failure,delay=1s', { exitCode: 0 }), ['', undefined, undefined]);
    assert.deepEqual(of('none,delay=1s'), ['', undefined, undefined]);
    const twice = [NOW - 90_000, NOW - 10_000];
    const over = 'abc-web-1 exited with 1, and its restart policy allows no further attempt';
    assert.deepEqual(of('any,delay=1s,attempts=2', {}, twice), ['', undefined, over]);
    assert.deepEqual(of('any,delay=1s,attempts=2,window=1m', {}, twice), ['start abc-web-1', undefined, undefined]);
  });

  it('of a job runs so many at once, until all have ended well, and begins again with its next iteration alone', () => {
    const rule = { 'arpanet.restart': 'on-failure' };
    const at = (number: number, more: Partial<Wish> = {}) => instance({ number, labels: rule, ...more });
    const done = (number: number) => at(number, { status: 'exited', exitCode: 0 });
    const job = (desired: number, concurrent: number) =>
      record(desired, {
        job: { concurrent, iteration: 0, startedAtMs: 0 },
        template: { name: 'abc-web-1', number: 1, request: at(1).record?.request ?? {} },
      });
    assert.deepEqual(short(steps(job(5, 2), [])), ['add 1', 'add 2']);
    assert.deepEqual(short(steps(job(5, 2), [done(1), at(2)])), ['add 3']);
    assert.deepEqual(short(steps(job(5, 2), [done(1), done(2)], [], [{ number: 3, host: 'h1' }])), ['add 4']);
    assert.deepEqual(short(steps(job(2, 1), [done(1), at(2, { status: 'exited', exitCode: 1 })])), ['start abc-web-2']);
    assert.deepEqual(short(steps(job(2, 1), [done(1), done(2)])), []);
    assert.deepEqual(short(steps(job(3, 0), [])), ['add 1', 'add 2', 'add 3']);
    const old = instance({ number: 1, image: 'old', status: 'exited', exitCode: 0, labels: rule });
    assert.deepEqual(short(steps(job(2, 1), [old, done(2)])), ['remove abc-web-1']);
  });

  it('waits longer after each crash, up to five minutes, and forgets crashes after a steady run', () => {
    assert.deepEqual([0, 1, 2, 3, 30].map(backoffMs), [1_000, 2_000, 4_000, 8_000, 300_000]);
    const crashed = instance({ number: 1, status: 'exited', exitCode: 1, startedAgoMs: 3_000, finishedAgoMs: 2_500 });
    const waiting = steps(record(1), [crashed], [[crashed.id, { count: 3, atMs: NOW - 3_000 }]]);
    assert.deepEqual([short(waiting), waiting.againAtMs], [[], NOW + 5_000]);
    assert.match(waiting.trouble ?? '', /abc-web-1 exited with 1, 3 times in a row; started again in 5 s/);
    const steady = instance({ number: 1, status: 'exited', exitCode: 1, startedAgoMs: 120_000, finishedAgoMs: 2_500 });
    assert.deepEqual(short(steps(record(1), [steady], [[steady.id, { count: 9, atMs: NOW - 120_000 }]])), ['start abc-web-1']);
  });
});

describe('a rolling update', () => {
  const fresh = record(2, {
    template: { name: 'abc-web-1', number: 1, request: instance({ number: 1, image: 'new' }).record?.request ?? {} },
  });
  const old = [instance({ number: 1 }), instance({ number: 2 })];
  const batch = (kept: ServiceRecord, instances: readonly ContainerView[], unseen: readonly number[] = []) => {
    const next = nextBatch(kept, instances, unseen);
    return next && { add: next.add, retire: next.retire.map((container) => container.name) };
  };
  const made = (...numbers: readonly number[]) => numbers.map((number) => instance({ number, image: 'new', ours: true }));

  it('of a service that runs once on every host starts the new one first, and takes up a batch that was interrupted', () => {
    const everywhere = { ...fresh, origin: 'api', isGlobal: true } as const;
    assert.deepEqual(batch(everywhere, old), { add: [3], retire: ['abc-web-1'] });
    assert.deepEqual(batch(everywhere, [...old, ...made(3)]), { add: [], retire: ['abc-web-1'] });
    assert.equal(batch(everywhere, made(3, 1)), undefined);
  });

  for (const origin of ['client', 'api'] as const)
    it(`of a service of origin ${origin}: substitutes take over until each is replaced under its own number`, () => {
      const of = (numbers: readonly number[], more: Partial<ServiceRecord> = {}) =>
        ({
          ...fresh,
          origin,
          desired: numbers.length,
          status: { state: 'updating', startedAtMs: 0, message: '', numbers },
          ...more,
        }) as const;
      const [first, third] = [instance({ number: 1 }), instance({ number: 3 })];
      const both = of([1, 3]);
      assert.deepEqual(batch(both, [first, third]), { add: [4], retire: [] });
      assert.deepEqual(batch(both, [first, third, ...made(4)]), { add: [1], retire: ['abc-web-1'] });
      assert.deepEqual(batch(both, [third, ...made(4)]), { add: [1], retire: [] }, 'a leader died between the two');
      assert.deepEqual(batch(both, [third, ...made(4)], [1]), { add: [3], retire: ['abc-web-3'] }, 'its host has not reported yet');
      assert.deepEqual(batch(both, [third, ...made(4, 1)]), { add: [3], retire: ['abc-web-3'] });
      assert.deepEqual(batch(both, made(4, 1)), { add: [3], retire: [] });
      assert.deepEqual(batch(both, made(4, 1, 3)), { add: [], retire: ['abc-web-4'] });
      assert.equal(batch(both, made(1, 3)), undefined);
      const atOnce = { ...both, update: { ...UPDATE_DEFAULTS, parallelism: 0 } };
      assert.deepEqual(batch(atOnce, [first, third]), { add: [4, 5], retire: [] });
      assert.deepEqual(batch(atOnce, [first, third, ...made(4, 5)]), { add: [1, 3], retire: ['abc-web-1', 'abc-web-3'] });
      assert.deepEqual(
        batch({ ...both, desired: 1 }, [first, third, ...made(1)].slice(1)),
        { add: [], retire: ['abc-web-3'] },
        'fewer are wanted',
      );
      const client = instance({ number: 5, image: 'new' });
      assert.deepEqual(
        batch({ ...both, desired: 3 }, [...made(4, 1, 3), client]),
        { add: [], retire: ['abc-web-4'] },
        'a client has added one',
      );
      const back = of([1], { template: record(1).template });
      assert.deepEqual(batch(back, [first, ...made(2)]), { add: [], retire: ['abc-web-2'] }, 'the first substitute was no good');
    });

  it('of a name that only one can have stops the old one first', () => {
    const called = { ...fresh.template, name: 'db' };
    assert.deepEqual(batch({ ...fresh, desired: 1, template: called }, [instance({ number: 1 })]), { add: [1], retire: ['abc-web-1'] });
  });

  it('stops the old one first under the same number, several at once if asked', () => {
    const stopFirst = { ...fresh, update: { ...UPDATE_DEFAULTS, order: 'stop-first', parallelism: 0 } } as const;
    assert.deepEqual(batch(stopFirst, old), { add: [1, 2], retire: ['abc-web-1', 'abc-web-2'] });
    const gap = [instance({ number: 1, image: 'new' }), instance({ number: 3 })];
    assert.deepEqual(batch(stopFirst, gap), { add: [3], retire: ['abc-web-3'] });
    const oneByOne = { ...stopFirst, desired: 1, update: { ...stopFirst.update, parallelism: 1 } };
    assert.deepEqual(batch(oneByOne, old), { add: [], retire: ['abc-web-2'] }, 'the one that is too many goes first');
    assert.deepEqual(batch(oneByOne, old.slice(0, 1)), { add: [1], retire: ['abc-web-1'] });
    assert.deepEqual(batch({ ...stopFirst, desired: 1 }, old), { add: [1], retire: ['abc-web-2', 'abc-web-1'] });
  });

  it('goes back with the settings of a rollback, where a service has its own', () => {
    const rollback = { ...UPDATE_DEFAULTS, order: 'stop-first', parallelism: 0 } as const;
    const back = { ...fresh, rollback, status: { state: 'rollback_started', startedAtMs: 0, message: '' } } as const;
    assert.deepEqual(batch(inItsDirection(back), old), { add: [1, 2], retire: ['abc-web-1', 'abc-web-2'] });
    const { rollback: _, ...without } = back;
    for (const same of [without, { ...back, status: { ...back.status, state: 'updating' } } as const])
      assert.deepEqual(batch(inItsDirection(same), old), { add: [3], retire: [] });
  });

  it('goes on only when the new one is good', () => {
    const at = (wish: Partial<Wish>) => fitness(instance({ number: 1, ...wish }), UPDATE_DEFAULTS, NOW - 1_000, NOW);
    assert.equal(at({ startedAgoMs: 500 }), 'not-yet');
    assert.equal(at({ startedAgoMs: 2_500 }), 'healthy');
    assert.equal(at({ health: 'starting' }), 'not-yet');
    assert.equal(at({ health: 'healthy', startedAgoMs: 10 }), 'healthy');
    assert.deepEqual(at({ health: 'unhealthy' }), { failed: 'abc-web-1 is unhealthy' });
    assert.deepEqual(at({ status: 'exited', exitCode: 127 }), { failed: 'abc-web-1 exited with 127' });
  });
});

describe('a drain', () => {
  it('moves replicas, and says of everything else why it stays', () => {
    const kept = record(2);
    const data = instance({ number: 2, mounts: [{ Type: 'volume', Name: 'data' }] });
    const single = { ...instance({ number: 9 }), name: 'single', id: 'single' };
    const view: ServiceView = {
      deployment: 'abc',
      service: 'web',
      record: kept,
      desired: 2,
      template: kept.template,
      instances: [instance({ number: 1 }), data],
      outdated: [],
      trouble: undefined,
    };
    const plan = planDrain('h1', [view], [...view.instances, single, instance({ number: 4, host: 'h2' })]);
    assert.deepEqual(
      plan.moves.map(({ container }) => container.name),
      ['abc-web-1'],
    );
    assert.deepEqual(
      plan.stays.map(({ container }) => container),
      ['abc-web-2', 'single'],
    );
    assert.match(plan.stays[0]?.why ?? '', /local volume data/);
    assert.match(plan.stays[1]?.why ?? '', /no policy/);
    const Labels = { 'arpanet.reschedule': 'on-host-failure' };
    const willing = { ...single, record: single.record && { ...single.record, request: { Labels } } };
    assert.match(planDrain('h1', [view], [willing]).stays[0]?.why ?? '', /its policy is for a lost host/);
    const ofJob = { ...view, record: { ...kept, job: { concurrent: 1, iteration: 0, startedAtMs: 0 } } };
    const ended = instance({ number: 3, status: 'exited' });
    const jobs = planDrain('h1', [{ ...ofJob, instances: [...view.instances, ended] }], [...view.instances, ended]);
    assert.deepEqual([jobs.ends.length, jobs.moves.length, jobs.stays.length], [2, 0, 0], 'what has ended has ended');
    const everywhere = planDrain('h1', [{ ...view, record: { ...kept, isGlobal: true } }], view.instances);
    assert.deepEqual(
      everywhere.ends.map(({ container }) => container.name),
      ['abc-web-1', 'abc-web-2'],
    );
    assert.deepEqual([...everywhere.moves, ...everywhere.stays], []);
  });
});

describe('what ops write', () => {
  const services = [
    { deployment: 'abc', service: 'web' },
    { deployment: 'abc', service: 'pricing' },
    { deployment: 'xyz', service: 'web' },
    { deployment: 'default', service: 'solo' },
  ];

  it('names a service in the ways that it is called, if only one is meant', () => {
    assert.deepEqual(
      ['abc/web', 'abc_web', 'pricing', 'solo'].map((text) => findService(text, services)),
      [services[0], services[0], services[1], services[3]],
    );
    assert.throws(() => findService('web', services), /several services: say which, abc\/web, xyz\/web/);
    assert.throws(() => findService('abc', services), /no such service: abc; it is a deployment: say which of its services, abc\/.*/);
    assert.throws(() => findService('abc/wbe', services), /no such service: abc\/wbe; did you mean abc\/web\?/);
    assert.throws(() => findService('nothing', []), /no service runs/);
    assert.equal(findServices('abc', services).length, 2);
  });

  it('counts up, down and to', () => {
    const to = (text: string, now: number) => scaled(now, parseScaling(text));
    assert.deepEqual([to('abc/web=5', 1), to('web+2', 1), to('web-1', 3), to('my-web-1', 1)], [5, 3, 2, 0]);
    assert.throws(() => to('web-4', 3), /web cannot have -1 instances: a count is 0 or more, and it has 3 now/);
    assert.throws(() => to('web=-2', 3), /cannot have -2 instances/);
    assert.throws(() => to('web=lots', 3), /write SERVICE=COUNT/);
  });
});
