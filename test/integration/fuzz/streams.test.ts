/** The streams between leader and agents, and whoever talks nonsense on one: it loses that stream, and nobody else notices. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { createStream, type HostSide } from '../../../src/hostagent/stream/stream.ts';
import { openUpgrade } from '../../../src/engine/index.ts';
import { faultTotal } from '../../../src/telemetry/faults.ts';
import { startFakeCluster, TOKEN, until } from '../../support/fakes/fake-cluster.ts';
import { type Chance, fuzz } from '../../support/fuzz.ts';

const facts = {
  name: 'h9',
  address: '10.0.0.9',
  gateway: '10.0.0.9:2376',
  labels: { rack: 'r1' },
  overlay: 'vxlan',
  agentVersion: '0',
  version: { ApiVersion: '1.43' },
  info: { NCPU: 2 },
  apiVersion: '1.43',
  minApiVersion: '1.24',
  os: 'linux',
  arch: 'amd64',
  cpus: 2,
  memoryBytes: 2 ** 30,
  routes: ['192.0.2.0/24'],
} as const;
const id = 'd'.repeat(64);
const container = {
  summary: { Id: id, Names: ['/x'], Image: 'i', ImageID: 'sha256:1', Created: 1, State: 'running', Status: 'Up', Labels: { a: 'b' } },
  inspect: {
    Id: id,
    Name: '/x',
    Created: '2026-01-01T00:00:00Z',
    Image: 'sha256:1',
    State: { Status: 'running', Running: true, Paused: false, Restarting: false, Dead: false, ExitCode: 0, StartedAt: '', FinishedAt: '' },
    Config: { Labels: { a: 'b' }, Env: ['A=1'] },
    HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostPort: '80' }] } },
    NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } },
  },
};
const image = { Id: 'sha256:1', RepoTags: ['i:latest'], RepoDigests: [], Created: 1, Size: 1 };
const event = { Type: 'container', Action: 'start', Actor: { ID: id, Attributes: { name: 'x' } }, time: 1, timeNano: 1e9 };
const hello = { type: 'hello', facts, epoch: 1 };
const fromAgents: readonly object[] = [
  { type: 'snapshot', snapshot: { containers: [container], images: [image], volumes: [{ Name: 'v', Driver: 'local' }], networks: [] } },
  { type: 'containers', upserts: [container], removes: [id] },
  { type: 'beat', load: { cpu: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 } },
  { type: 'images', images: [image] },
  { type: 'volumes', volumes: [{ Name: 'v', Driver: 'local' }] },
  { type: 'networks', networks: [{ network: 'n', engineId: 'e', gateway: '10.32.0.1' }] },
  { type: 'event', event },
  { type: 'engine', alive: true, why: '' },
  { type: 'done', call: 1, result: [] },
];
const plan = {
  network: 'n',
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
const fromLeaders: readonly object[] = [
  { type: 'welcome', epoch: 1, leader: 's1', clusterId: 'c1' },
  { type: 'plans', plans: [plan], fenced: [] },
  { type: 'names', table: { version: 1, epoch: 1, atMs: 1, instances: [], networks: { n: 'abc_default' } } },
  { type: 'settings', logLevel: null },
  { type: 'keep', kept: { epoch: 1, atMs: 1, records: [['k', 1]] } },
  { type: 'call', call: 1, request: { method: 'materialise', plan } },
  { type: 'call', call: 2, request: { method: 'sync', containers: [id] } },
  { type: 'beat' },
];

/** Mostly JSON of the right kind with something wrong in it, sometimes bytes. */
function nonsense(chance: Chance, messages: readonly object[]): Buffer {
  const message = chance.pick(messages);
  if (chance.random() < 0.2) return Buffer.concat([chance.damaged(Buffer.from(JSON.stringify(message))), Buffer.from('\n')]);
  return Buffer.from(`${JSON.stringify(chance.random() < 0.3 ? message : chance.twisted(message))}\n`);
}

describe('an agent that talks nonsense', () => {
  it('loses its stream; the leader lists, refreshes and sees the other hosts', async () => {
    await using cluster = await startFakeCluster(1);
    const { hostname, port } = new URL(cluster.url);
    let host = 0;
    await fuzz(async (chance) => {
      const socket = await openUpgrade({
        host: hostname,
        port: Number(port),
        path: '/arpanet/v1/agent',
        protocol: 'arpanet',
        headers: { Authorization: `Bearer ${TOKEN}` },
        what: 'the leader',
      });
      socket.on('error', () => undefined).resume();
      // a name of its own each time: a host that has sent nonsense is refused for a while
      const named = { ...hello, facts: { ...facts, name: `f${host++ % 200}`, address: `10.1.0.${host % 200}` } };
      socket.write(chance.random() < 0.2 ? nonsense(chance, [named]) : `${JSON.stringify(named)}\n`);
      for (let n = chance.below(6); n >= 0; n--) socket.write(nonsense(chance, fromAgents));
      socket.end();
      await once(socket, 'close');
    });
    await cluster.scheduler.view.refresh('h1', { images: true });
    await until(() => cluster.scheduler.hosts.list().some(({ name, state }) => name === 'h1' && state === 'alive'), 'h1 is alive');
    JSON.stringify(cluster.scheduler.hosts.list());
    assert.equal(faultTotal(), 0);
  });
});

describe('a leader that talks nonsense', () => {
  it('loses its stream; the agent dials again and acts only on what is well-formed', async () => {
    const sockets = new Set<Socket>();
    let chance: Chance | undefined;
    let isSound = false;
    let ended = 0;
    const server = http.createServer();
    server.on('upgrade', (_request, socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).resume();
      socket.once('close', () => (ended += 1));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: arpanet\r\n\r\n');
      if (chance !== undefined) for (let n = chance.below(6); n >= 0; n--) socket.write(nonsense(chance, fromLeaders));
      if (isSound) for (const message of fromLeaders.slice(0, 2)) socket.write(`${JSON.stringify(message)}\n`);
      else socket.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    let plans = 0;
    const stop = new AbortController();
    const join = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
    const stream = createStream({ join, token: TOKEN, log: pino({ level: 'silent' }), nowMs: () => performance.now(), random: () => 0 });
    const side: HostSide = {
      facts: async () => facts,
      hello: () => ({ type: 'hello', facts, epoch: 1 }),
      joined: () => undefined,
      held: async ({ containers = {} }) => assert.ok(Object.values(containers).every((digest) => typeof digest === 'string')),
      load: () => ({ cpu: 0, memoryUsedBytes: 0, memoryTotalBytes: 0 }),
      lastHour: () => ({ cpu: [], memory: [] }),
      leftOut: () => [],
      routes: () => undefined,
      faults: () => ({ unexpectedErrors: 0, refusedMessages: 0 }),
      welcome: () => true,
      plans(message) {
        for (const { peers, vni } of message.plans) assert.ok(peers.every((peer) => /^[\d.]+$/.test(peer)) && Number.isInteger(vni));
        plans += 1;
      },
      names: ({ table }) => assert.ok(Array.isArray(table.instances)),
      namesChange: ({ change }) => Array.isArray(change.put) && Array.isArray(change.drop),
      settings: () => undefined,
      removed: () => undefined,
      keep: ({ kept }) => assert.ok(Array.isArray(kept.records)),
      call: async () => undefined,
    };
    const done = stream.run(side, stop.signal);
    await fuzz(async (next) => {
      chance = next;
      const before = ended;
      stream.restart('the next round');
      const isRead = () => ended > before;
      while (!isRead()) await new Promise((resolve) => setTimeout(resolve, 1));
    });
    chance = undefined;
    isSound = true;
    plans = 0;
    stream.restart('the last round');
    await until(() => plans > 0, 'it acts on what is well-formed');
    stop.abort();
    for (const socket of sockets) socket.destroy();
    server.close();
    await done;
    assert.equal(faultTotal(), 0);
  });
});
