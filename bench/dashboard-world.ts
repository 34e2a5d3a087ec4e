/** A cluster for the dashboard to show: a whole scheduler in this process, hosts of plain data that are as busy as it is said, deployments from compose files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../test/support/cluster/cluster.ts';
import { type FakeAgent, startFakeAgent } from '../test/support/fakes/fake-agent.ts';
import { image } from '../test/support/fakes/fake-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../test/support/fakes/small-scheduler.ts';

export interface World extends AsyncDisposable {
  readonly scheduler: SmallScheduler;
  readonly agents: readonly FakeAgent[];
}

const BEGAN = new Date(Date.now() - 3 * 3_600_000).toISOString();
/** Share of the processor and of the memory at a minute of the last hour. */
const loadAt = (host: number, minute: number): readonly [cpu: number, memory: number] => {
  const busy = 0.18 + 0.13 * host + 0.12 * Math.sin(minute / 7 + host * 2) + 0.05 * Math.sin(minute * (1.3 + host));
  return [Math.min(0.97, Math.max(0.02, busy)), Math.min(0.94, 0.3 + 0.09 * host + 0.05 * Math.sin(minute / 17 + host))];
};

const FILES: Readonly<Record<string, string>> = {
  shop: `services:
  web: {image: nginx:1.27, scale: 6}
  api: {image: shop/api:4.2, scale: 5, depends_on: [db]}
  worker: {image: shop/worker:4.2, scale: 4}
  db: {image: postgres:16, volumes: ["db:/var/lib/postgresql/data"]}
  cache: {image: redis:7.4, scale: 2}
volumes: {db: {}}
`,
  monitoring: `services:
  prometheus: {image: prom/prometheus:v2.54}
  grafana: {image: grafana/grafana:11.2}
  exporter: {image: prom/node-exporter:v1.8, deploy: {mode: global}}
`,
  mail: `services:
  smtp: {image: mail/postfix:3.9, scale: 2}
  imap: {image: mail/dovecot:2.3, scale: 2}
`,
};
const IMAGES = Object.values(FILES).flatMap((text) => [...text.matchAll(/image: ([^,}]+)/g)].map(([, name = '']) => name));

const WORDS = [
  'GET /cart 200 in 12 ms',
  'GET / 200 in 3 ms',
  'POST /orders 201 in 41 ms',
  'GET /stock/71 404 in 2 ms',
  'session 8f3a begins',
  'checkpoint complete: wrote 214 buffers',
];
const linesOf = (name: string): string[] =>
  Array.from(
    { length: 12 },
    (_, at) =>
      `${new Date(Date.now() - (12 - at) * 1_700 - name.length * 113).toISOString().replace('Z', '000000Z')} ${WORDS[(at * 7 + name.length + name.charCodeAt(name.length - 1)) % WORDS.length]}`,
  );

/** Five hosts with three deployments; the last host takes no more. */
export async function startWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-world-'));
  const scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir });
  await scheduler.ready();
  const agents: FakeAgent[] = [];
  const beat = (agent: FakeAgent, at: number): void => {
    const hour = Array.from({ length: 60 }, (_, minute) => loadAt(at, minute).map((share) => Math.round(share * 100)));
    const [cpu, memory] = loadAt(at, 60);
    const lastHour = { cpu: hour.map(([share = 0]) => share), memory: hour.map(([, share = 0]) => share) };
    agent.say({ type: 'beat', load: { cpu, memoryUsedBytes: memory * 8e9, memoryTotalBytes: 8e9 }, lastHour });
  };
  const beats = setInterval(() => agents.forEach(beat), 1_000);
  for (let at = 0; at < 5; at++) {
    const agent = await startFakeAgent({
      name: `h${at + 1}`,
      token: JOIN_TOKEN,
      address: `10.0.0.${at + 11}`,
      version: { Version: '28.5.1' },
    });
    agent.program = { agentVersion: '0.1.0' };
    const facts = agent.engine.facts.bind(agent.engine);
    // since a while ago: the fake says of no container when it began
    agent.engine.facts = (id) => {
      const own = facts(id);
      return own && { ...own, inspect: { ...own.inspect, State: { ...own.inspect.State, StartedAt: BEGAN } } };
    };
    for (const [number, name] of IMAGES.entries()) {
      const id = `sha256:${String(number + 10).repeat(32)}`;
      agent.engine.images.push({ ...image(name, id), Size: (40 + number * 37) << 20 });
      agent.engine.answers.set(`GET /images/${name}/json`, { Id: id });
    }
    agents.push(agent);
    await agent.dial(scheduler.url);
    beat(agent, at);
  }
  await until('all hosts are alive', async () => {
    const { body } = await scheduler.call('GET', '/arpanet/v1/hosts');
    return (body as readonly { readonly state: string }[]).filter(({ state }) => state === 'alive').length === agents.length;
  });
  for (const [name, text] of Object.entries(FILES)) {
    const { status, body } = await scheduler.call('PUT', `/arpanet/v1/deployments/${name}`, { files: { 'compose.yml': text } });
    if (status !== 200 || String(body).includes('"error"')) throw new Error(`${name}: ${String(body)}`);
  }
  for (const { engine } of agents) for (const { name } of engine.containers.values()) engine.logs.set(name, linesOf(name));
  await scheduler.call('POST', '/arpanet/v1/hosts/h5/update', { availability: 'pause' });
  return {
    scheduler,
    agents,
    async [Symbol.asyncDispose]() {
      clearInterval(beats);
      await scheduler[Symbol.asyncDispose]();
      for (const agent of agents) await agent[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
