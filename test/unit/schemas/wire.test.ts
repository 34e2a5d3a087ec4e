import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, parseJson, readAgentMessage, readCallResult, readLeaderMessage, recoveryFacts } from '../../../src/schemas/index.ts';

const id = 'a'.repeat(64);
const container = {
  summary: { Id: id, Names: ['/web'], Image: 'x', ImageID: 'sha256:1', Created: 1, State: 'running', Status: 'Up', Labels: {} },
  inspect: {
    Id: id,
    Name: '/web',
    Created: '',
    Image: 'sha256:1',
    State: { Status: 'running', Running: true, Paused: false, Restarting: false, Dead: false, ExitCode: 0, StartedAt: '', FinishedAt: '' },
    Config: { Labels: null, Env: null },
    HostConfig: { NetworkMode: 'n' },
    NetworkSettings: { Networks: { n: { Aliases: null, Links: null, IPAMConfig: null } } },
  },
};
const facts = {
  name: 'h1',
  address: '10.0.0.1',
  gateway: '10.0.0.1:2376',
  labels: {},
  overlay: 'vxlan',
  agentVersion: '1',
  version: {},
  info: {},
  apiVersion: '1.43',
  minApiVersion: '1.24',
  os: 'linux',
  arch: 'amd64',
  cpus: 2,
  memoryBytes: 1,
  routes: ['192.0.2.0/24'],
};
const plan = {
  network: 'n1',
  name: 'abc_default',
  cidr: '10.32.0.0/22',
  vni: 42,
  gateway: '10.32.0.1',
  reserved: {},
  internal: false,
  labels: {},
  options: {},
  peers: ['10.0.0.2'],
};
const agent = (message: object) => readAgentMessage(JSON.stringify(message));
const leader = (message: object) => readLeaderMessage(JSON.stringify(message));
const invalid = { kind: 'invalid' };

describe('a message from an agent', () => {
  it('is passed on as it came, with members that this release does not know', () => {
    const message = { type: 'snapshot', snapshot: { containers: [container], images: [], volumes: [], networks: [] }, later: [1] };
    assert.deepEqual(agent(message), message);
    assert.deepEqual(agent({ type: 'hello', facts, epoch: 3 }), { type: 'hello', facts, epoch: 3 });
  });

  it('of a type that this release does not know is nothing', () => {
    assert.equal(agent({ type: 'from-the-future' }), undefined);
    assert.equal(agent({ type: 'toString' }), undefined);
  });

  it('is refused with the place of the first fault', () => {
    const nameless = { ...container, summary: { ...container.summary, Names: [] } };
    assert.throws(() => agent({ type: 'snapshot', snapshot: { containers: [nameless], images: [], volumes: [], networks: [] } }), {
      kind: 'invalid',
      message: /^message snapshot: snapshot\.containers\.0\.summary\.Names: /,
    });
    for (const bad of [
      null,
      [],
      5,
      { type: 'beat', load: null },
      {
        type: 'beat',
        load: { cpu: 0, memoryUsedBytes: 0, memoryTotalBytes: 0 },
        lastHour: { cpu: Array.from({ length: 61 }, () => 1), memory: [] },
      },
      { type: 'beat', load: { cpu: 0, memoryUsedBytes: 0, memoryTotalBytes: 0 }, lastHour: { cpu: [0.5], memory: [] } },
      { type: 'beat', load: { cpu: -1, memoryUsedBytes: 0, memoryTotalBytes: 0 } },
      { type: 'containers', upserts: [null], removes: [] },
      { type: 'containers', upserts: [], removes: ['../x'] },
      { type: 'done', call: 1, error: { kind: 'engine', message: '', engineStatus: 42 } },
      { type: 'event', event: null },
      { type: 'event', event: { Type: 'container', Action: 'die', Actor: null, time: 1, timeNano: 1 } },
      { type: 'hello', facts: { ...facts, routes: ['0/0/0'] }, epoch: 1 },
      { type: 'hello', facts: { ...facts, apiVersion: 'newest' }, epoch: 1 },
      { type: 'hello', facts: { ...facts, cpus: null }, epoch: 1 },
      { type: 'hello', facts, epoch: 2 ** 60 },
    ])
      assert.throws(() => agent(bad as object), invalid, JSON.stringify(bad));
  });
});

describe('a message from the leader', () => {
  it('is passed on as it came', () => {
    for (const message of [
      { type: 'plans', plans: [plan], fenced: ['10.0.0.9'] },
      { type: 'call', call: 7, request: { method: 'materialise', plan } },
    ])
      assert.deepEqual(leader(message), message);
  });

  it('with a call that this release does not know is said to be one', () => {
    assert.deepEqual(leader({ type: 'call', call: 7, request: { method: 'fly' } }), { type: 'unknown-call', call: 7, method: 'fly' });
  });

  it('cannot put a command into the batch that `ip` and `bridge` are given', () => {
    for (const peers of [['10.0.0.2\nlink del eth0'], ['$(reboot)'], [5]])
      assert.throws(() => leader({ type: 'plans', plans: [{ ...plan, peers }] }), invalid);
    assert.throws(() => leader({ type: 'plans', plans: [{ ...plan, vni: 2 ** 24 }] }), invalid);
    assert.throws(() => leader({ type: 'call', call: 1, request: { method: 'fence', addresses: ['10.0.0.2/0'] } }), invalid);
  });

  it('cannot raise the epoch beyond what elections reach', () => {
    assert.throws(() => leader({ type: 'welcome', epoch: Number.MAX_SAFE_INTEGER, leader: 's1', clusterId: 'c' }), invalid);
  });
});

describe('the result of a call', () => {
  it('has the shape of its method', () => {
    assert.deepEqual(readCallResult('missing-paths', ['/x']), ['/x']);
    assert.throws(() => readCallResult('missing-paths', null), invalid);
    assert.throws(() => readCallResult('look', { networks: null, vxlans: [], names: [] }), invalid);
    assert.throws(() => readCallResult('dial', { outcome: 'perhaps', why: '' }), invalid);
  });
});

describe('what a host keeps for a recovery', () => {
  it('may lack the copy of the store: no leader has sent it yet', () => {
    const kept = {
      host: { name: 'h1', address: '10.0.0.1', gateway: '10.0.0.1:2376', labels: {} },
      epoch: 1,
      clusterId: 'c',
      plans: [],
      state: undefined,
    };
    assert.equal(accept(recoveryFacts, parseJson(JSON.stringify(kept)), 'x').state, undefined);
  });
});

describe('JSON from outside', () => {
  it('loses keys named __proto__, however they are written', () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__']) {
      const value = parseJson(`{"a":{"${key}":{"x":1}},"b":1}`) as { a: object };
      assert.deepEqual(Object.keys(value.a), [], key);
    }
    assert.deepEqual(parseJson('{"a":"__proto__"}'), { a: '__proto__' });
  });

  it('is refused when it is nested too deeply to be written again', () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    assert.doesNotThrow(() => parseJson(nested(100)));
    assert.throws(() => parseJson(nested(50_000)), /nested deeper than 100/);
    assert.throws(() => parseJson(`{"a":${nested(500)}}`), /nested deeper/);
    assert.doesNotThrow(() => parseJson(JSON.stringify({ text: '[{"'.repeat(1_000), back: '\\'.repeat(301) })));
  });

  it('is refused when it is none', () => {
    for (const text of ['', '{', 'x'.repeat(1_000)]) assert.throws(() => parseJson(text), { kind: 'invalid', message: /not JSON/ });
  });
});
