/** A running cluster without TLS goes over to it, as docs/security.md says: one scheduler, two hosts, one after the other, and no container is touched. Real processes' parts, a fake Engine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Terminal } from '../../../src/cli/command.ts';
import { recover } from '../../../src/cli/commands/store/recover.ts';
import { startAgent } from '../../../src/hostagent/index.ts';
import { type HostRecord, keys } from '../../../src/model/index.ts';
import type { HostReport } from '../../../src/operator-api/index.ts';
import { backupText } from '../../../src/recovery/index.ts';
import { ensureClusterKeys, identityCopiesOf, readJoinToken } from '../../../src/security/index.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { ENGINE_ANSWERS, NO_DNS } from '../../support/fakes/quiet-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const until = (what: string, check: () => unknown) => untilWithin(what, check);
const ID = 'c'.repeat(64);
const WEB = { Id: ID, Names: ['/web'], Image: 'app:1', ImageID: 'sha256:1', Created: 1, State: 'running', Status: 'Up', Labels: {} };
const INSPECTED = {
  Id: ID,
  Name: '/web',
  Image: 'sha256:1',
  Created: '2026-01-01T00:00:00Z',
  State: {
    Status: 'running',
    Running: true,
    Paused: false,
    Restarting: false,
    Dead: false,
    ExitCode: 0,
    StartedAt: '2026-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: { Image: 'app:1', Labels: {}, Env: [] },
  HostConfig: { NetworkMode: 'bridge' },
  NetworkSettings: { Networks: {} },
  Mounts: [],
};

describe('a running cluster goes over to TLS', { timeout: 300_000 }, () => {
  let dir: string;
  let plainPort: number;
  let tlsPort: number;
  let scheduler: SmallScheduler;
  const agents = new Map<string, Awaited<ReturnType<typeof startAgent>>>();
  /** What the Engine was asked for that changes something. */
  const changes: string[] = [];
  const engine = http.createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/^\/v1\.\d+/, '');
    const own: Readonly<Record<string, unknown>> = { '/containers/json': [WEB], [`/containers/${ID}/json`]: INSPECTED };
    const answer = own[path] ?? ENGINE_ANSWERS[path];
    if (request.method !== 'GET' && request.method !== 'HEAD') changes.push(`${request.method} ${path}`);
    if (path === '/events') return response.writeHead(200).flushHeaders();
    if (answer === undefined) return void request.socket.destroy();
    return void response.setHeader('Api-Version', '1.41').end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });

  async function startScheduler(
    alsoListen: readonly { readonly host: string; readonly port: number; readonly isTls: boolean }[],
    store = join(dir, 'store'),
  ) {
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: store }, { alsoListen, clusterKey: join(dir, 'cluster.key') });
    await scheduler.ready();
  }
  async function startHost(name: string, url: string, token: string): Promise<void> {
    await agents.get(name)?.[Symbol.asyncDispose]();
    const options = {
      name,
      address: '127.0.0.1',
      listen: '127.0.0.1:0',
      join: [url],
      token,
      engine: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`,
      labels: {},
      overlay: 'none' as const,
      dataDir: join(dir, name),
      version: 'test',
    };
    agents.set(name, await startAgent(options, { log: quietLog, dns: NO_DNS, setLogLevel: () => undefined }, new AbortController().signal));
  }
  const alive = async (...names: readonly string[]): Promise<boolean> => {
    const { body } = await scheduler.call('GET', '/arpanet/v1/hosts');
    return names.every((name) => (body as readonly HostReport[]).some((host) => host.name === name && host.state === 'alive'));
  };
  const hasTls = async (name: string): Promise<boolean> => {
    const records = (await scheduler.call('GET', '/arpanet/v1/backup')).body as readonly (readonly [string, HostRecord])[];
    return records.some(([key, record]) => key === keys.host(name) && record.hasTls === true);
  };
  /** Through the leader to the Engine, by the host's tunnel. */
  const reached = async (): Promise<boolean> => (await scheduler.call('GET', '/images/app:1/json')).status === 200;
  const plain = { host: '127.0.0.1', isTls: false };
  const tls = { host: '127.0.0.1', isTls: true };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-plain-'));
    engine.listen(0, '127.0.0.1');
    await once(engine, 'listening');
    [plainPort, tlsPort] = [await freePort(), await freePort()];
  });
  after(async () => {
    for (const agent of agents.values()) await agent[Symbol.asyncDispose]();
    await scheduler?.[Symbol.asyncDispose]();
    engine.closeAllConnections();
    engine.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('the scheduler listens at both, the hosts go over one by one, and then it listens with TLS alone', async () => {
    const [http0, https] = [`http://127.0.0.1:${plainPort}`, `https://127.0.0.1:${tlsPort}`];
    await startScheduler([{ ...plain, port: plainPort }]);
    for (const name of ['h1', 'h2']) await startHost(name, http0, JOIN_TOKEN);
    await until('both are alive without TLS', () => alive('h1', 'h2'));
    const sees = async (): Promise<boolean> => JSON.stringify((await scheduler.call('GET', '/containers/json')).body).includes('"/web"');
    await until('the container is seen', sees);

    await scheduler[Symbol.asyncDispose]();
    await startScheduler([
      { ...plain, port: plainPort },
      { ...tls, port: tlsPort },
    ]);
    await until('they come back as they were', () => alive('h1', 'h2'));
    const { token } = (await scheduler.call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    assert.equal(readJoinToken(token).secret, JOIN_TOKEN, 'hosts of both kinds know the same secret');

    await startHost('h1', https, token);
    await until('h1 is alive with TLS, and h2 without', async () => (await alive('h1', 'h2')) && (await hasTls('h1')));
    assert.equal(await hasTls('h2'), false);
    await until('the leader reaches the Engines', reached);
    assert.match(
      JSON.stringify((await scheduler.call('POST', '/arpanet/v1/token/rotate')).body),
      /would be cut off: h2; let them join by https/,
    );
    await startHost('h2', https, token);
    await until('h2, too', async () => (await alive('h1', 'h2')) && (await hasTls('h2')));

    await scheduler[Symbol.asyncDispose]();
    await startScheduler([{ ...tls, port: tlsPort }]);
    await until('both are alive without the address that has none', () => alive('h1', 'h2'));
    assert.equal((await scheduler.call('POST', '/arpanet/v1/token/rotate')).status, 200, 'what was sent in clear joins nobody any more');
    await until('the leader reaches the Engines', reached);
    await until('the container is seen', sees);
    assert.deepEqual(changes, [], 'nothing was done to what runs');
  });

  const gateways = (): readonly string[] => [...agents.values()].map(({ gateway }) => gateway);
  /** The command in a store's new folder. What it says is in `said`. */
  function recovering(store: string, env: Readonly<Record<string, string>>) {
    const said: string[] = [];
    const note = (line: string): void => void said.push(line);
    const terminal = { env: { ARPANET_JOIN_TOKEN: 'ARPTKN-1-x', ...env }, out: note, say: note } as unknown as Terminal;
    const run = async (more: object = {}) => await recover(gateways(), { store: `embedded:${join(dir, store)}`, ...more }, terminal);
    return { run, said };
  }

  it('its store is lost, and there is no backup: what lies beside the cluster key proves a scheduler to the hosts', async () => {
    const key = join(dir, 'cluster.key');
    const copies = (): readonly string[] => identityCopiesOf(key);
    await until('the copy is kept', () => copies().length === 1);
    const [copy = ''] = copies();
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(copy, 'utf8'), /PRIVATE|CERTIFICATE/);
    await scheduler.call('POST', '/arpanet/v1/hosts/h2/revoke', {});
    await scheduler[Symbol.asyncDispose]();

    const lost = recovering('none', {});
    await assert.rejects(lost.run({ trustLabels: true }), { kind: 'unavailable' });
    assert.match(
      lost.said.join(),
      /does not answer: no agent answers at .* \(if it joined by https:\/\/, .* give any backup of this cluster, which has the CA, or run this on a scheduler, with ARPANET_CLUSTER_KEY/,
    );
    const foreign = join(dir, 'foreign.key');
    ensureClusterKeys(foreign);
    copyFileSync(copy, copy.replace('cluster.key', 'foreign.key'));
    const other = recovering('none', { ARPANET_CLUSTER_KEY: foreign });
    await assert.rejects(other.run(), { kind: 'unavailable' });
    assert.match(other.said.join(), /foreign\.key\.identity-.* was changed, or another cluster key has sealed it/);

    // a scheduler that was started on an empty store in between founds a cluster of its own, and keeps that, too
    await startScheduler([], join(dir, 'mistake'));
    await until('both copies are there', () => copies().length === 2);
    await scheduler[Symbol.asyncDispose]();
    await recovering('kept', { ARPANET_CLUSTER_KEY: key }).run();
    await startScheduler([{ ...tls, port: tlsPort }], join(dir, 'kept'));
    await until('h1 is alive, with the certificate that it has', () => alive('h1'));
    await until('the leader reaches its Engine', reached);
    assert.equal(await alive('h2'), false, 'revoked it stays');
    assert.equal((await scheduler.call('POST', '/arpanet/v1/hosts/h2/readmit', {})).status, 200);
    const { token } = (await scheduler.call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    await startHost('h2', `https://127.0.0.1:${tlsPort}`, token);
    await until('h2 joins again', () => alive('h1', 'h2'));
    assert.deepEqual(changes, [], 'nothing was done to what runs');
  });

  it('with any backup, which has the CA, hosts are asked by TLS, and come back by themselves', async () => {
    const { body } = await scheduler.call('GET', '/arpanet/v1/backup');
    const file = join(dir, 'old.backup');
    writeFileSync(file, backupText(body as Parameters<typeof backupText>[0], '2026-01-01', 'test'));
    await scheduler[Symbol.asyncDispose]();
    for (const [flag, given] of [
      ['--token-file', { tokenFile: join(dir, 'nosuch') }],
      ['--backup', { backup: dir }],
    ] as const)
      await assert.rejects(recovering('planned', {}).run(given), { kind: 'invalid', message: new RegExp(`^${flag}: cannot read .*\\(E`) });
    await recovering('planned', {}).run({ backup: file, plan: true });
    assert.ok(!existsSync(join(dir, 'planned')), 'a plan makes nothing, not even a key');
    await recovering('new', { ARPANET_CLUSTER_KEY: join(dir, 'cluster.key') }).run({ backup: file });
    await startScheduler([{ ...tls, port: tlsPort }], join(dir, 'new'));
    await until('both are alive, with the certificates that they have', () => alive('h1', 'h2'));
    await until('the leader reaches the Engines', reached);
    assert.deepEqual(changes, [], 'nothing was done to what runs');
  });

  it('with neither the CA is lost: hosts are asked without TLS, and go over again to that of the new store', async () => {
    const { body } = await scheduler.call('GET', '/arpanet/v1/ca');
    await scheduler[Symbol.asyncDispose]();
    const [http0, https] = [`http://127.0.0.1:${plainPort}`, `https://127.0.0.1:${tlsPort}`];
    for (const name of ['h1', 'h2']) await startHost(name, http0, JOIN_TOKEN);
    await recovering('fresh', { ARPANET_JOIN_TOKEN: JOIN_TOKEN }).run({ trustLabels: true });
    await startScheduler(
      [
        { ...plain, port: plainPort },
        { ...tls, port: tlsPort },
      ],
      join(dir, 'fresh'),
    );
    await until('both are alive without TLS', () => alive('h1', 'h2'));
    assert.notDeepEqual((await scheduler.call('GET', '/arpanet/v1/ca')).body, body, 'it has a CA of its own');
    const { token } = (await scheduler.call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    for (const name of ['h1', 'h2']) {
      await rm(join(dir, name, 'identity.json'));
      await startHost(name, https, token);
      await until(`${name} is alive with TLS`, async () => (await alive('h1', 'h2')) && (await hasTls(name)));
    }
    await until('the leader reaches the Engines', reached);
    assert.deepEqual(changes, [], 'nothing was done to what runs');
  });
});
