/** Hosts of plain data beside the real ones of the lab: some have a container, and all come back to whoever leads. Effects: sockets, requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { doAll } from '../../src/async/limit.ts';
import { type Cluster, testToken, until } from '../support/cluster/cluster.ts';
import { leaderOf, request } from '../support/cluster/leaders.ts';
import { type FakeAgent, startFakeAgent } from '../support/fakes/fake-agent.ts';
import { image } from '../support/fakes/fake-engine.ts';

const IMAGE = 'simulated';
/** One of so many has a container. */
const EVERY = 5;
/** Containers of one deployment. */
const TOGETHER = 3;
const AT_ONCE = 5;
const LOOK_EVERY_MS = 500;

export interface SimulatedHosts extends AsyncDisposable {
  /** Each fifth gets a container. */
  readonly fill: () => Promise<void>;
  /** Takes these away. */
  readonly clear: () => Promise<void>;
}

/** Resolves when all have joined. Disposed of, they are gone without a word. */
export async function joinSimulated(cluster: Cluster, count: number): Promise<SimulatedHosts> {
  const over = new AbortController();
  const agents: FakeAgent[] = [];
  for (let i = 1; i <= count; i++) {
    const address = `10.201.${i >> 8}.${i & 255}`;
    const agent = await startFakeAgent({ name: `sim${i}`, token: testToken, address, beatEveryMs: 1_000, isWitness: true });
    agent.engine.images.push(image(`${IMAGE}:latest`, `sha256:${'5'.repeat(64)}`));
    agents.push(agent);
  }
  const kept = keepWith(cluster, agents, over.signal);
  const ask = async (method: string, path: string, body?: unknown): Promise<void> => {
    const { status, message } = await request((await leaderOf(cluster))?.url ?? cluster.url, method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${message}`);
  };
  await until('all simulated hosts have joined', () => agents.every((agent) => agent.heard() !== undefined), 60_000);
  // the clients' containers are for the real hosts
  const filled = agents.filter((_, i) => i % EVERY === 0);
  await doAll(agents, AT_ONCE, (agent) => {
    const change = filled.includes(agent) ? { limits: { maxContainers: 1 } } : { availability: 'pause' };
    return ask('POST', `/arpanet/v1/hosts/${agent.name}/update`, change);
  });
  return {
    async fill() {
      await doAll([...filled.entries()], AT_ONCE, async ([i, { name }]) => {
        const Labels = { 'arpanet.deployment': `sim${Math.floor(i / TOGETHER)}`, 'arpanet.service': 'web' };
        const body = { Image: IMAGE, Env: [`constraint:node==${name}`], Labels, HostConfig: { RestartPolicy: { Name: 'always' } } };
        await ask('POST', `/containers/create?name=on-${name}`, body);
        await ask('POST', `/containers/on-${name}/start`);
      });
    },
    clear: () => doAll(filled, AT_ONCE, ({ name }) => ask('DELETE', `/containers/on-${name}?force=1`)),
    async [Symbol.asyncDispose]() {
      over.abort();
      await kept;
      for (const agent of agents) await agent[Symbol.asyncDispose]();
    },
  };
}

/** As real agents do: with the newest leader that answers, and dialled again when a stream ends. */
async function keepWith(cluster: Cluster, agents: readonly FakeAgent[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const leader = await leaderOf(cluster);
    const away = leader === undefined ? [] : agents.filter((agent) => !agent.isConnected() || (agent.heard()?.epoch ?? 0) < leader.epoch);
    await Promise.all(
      away.map(async (agent) => {
        agent.hangUp();
        await agent.dial(leader?.url ?? '').catch(() => undefined);
      }),
    );
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
