/** The script against a bare engine and against a cluster of the same engines, and the verdict. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../../support/cluster/cluster.ts';
import { startLab } from '../../support/cluster/lab.ts';
import { startRegistry } from '../../support/servers/registry.ts';
import { compare, describe, judge, type Step, type Verdict } from './compare.ts';
import { DIVERGENCES } from './divergences.ts';
import { leftBy, soakCluster } from './soak.ts';
import { type Case, createSession, type Side } from './session.ts';
import { type Endpoint, request } from './wire.ts';

export const ENGINES = ['20.10', '26.1', 'newest'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface ReplayOptions {
  /** Which engine on all three hosts. */
  readonly engine: EngineName;
  /** Only cases whose file or name matches. */
  readonly only?: RegExp | undefined;
  readonly say: (line: string) => void;
  /** How many mixed requests are sent afterwards, to see what they leave behind. */
  readonly soak: number;
}

export interface Replayed extends Verdict {
  readonly steps: number;
  readonly cases: number;
  /** What the soak left behind. */
  readonly left: readonly string[];
}

export async function loadCases(only?: RegExp): Promise<readonly Case[]> {
  const folder = join(import.meta.dirname, 'cases');
  const files = readdirSync(folder)
    .filter((leaf) => leaf.endsWith('.ts'))
    .sort();
  const loaded = await Promise.all(files.map((leaf) => import(`./cases/${leaf}`) as Promise<{ cases: readonly Case[] }>));
  return loaded.flatMap((file, i) => file.cases.filter((one) => only === undefined || only.test(`${files[i]} ${one.name}`)));
}

/** Starts both sides, tells the script to both, and compares. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const engines = { mixed: false, newer: options.engine === '26.1', ...(options.engine === 'newest' && { newest: 'all' as const }) };
  const engineArgs = ['--insecure-registry', '10.77.0.0/16'];
  await using bare = await startLab({ count: 1, engineArgs, ...engines });
  await using cluster = await startCluster({ store: 'embedded', hosts: 2, engineArgs, ...engines });
  const engine = `unix://${bare.hosts[0]?.socket}`;
  await using one = await startRegistry(bare.gateway, bare.dir);
  await using other = await startRegistry(cluster.lab.gateway, cluster.lab.dir);
  const replayed = await replayAgainst({ endpoint: engine, registry: one }, { endpoint: cluster.endpoint, registry: other }, options);
  return { ...replayed, left: options.soak === 0 ? [] : leftBy(await soakCluster(cluster, options.soak)) };
}

/** Cases that share nothing are told so many at a time. */
const AT_ONCE = 3;

export async function replayAgainst(
  engine: Omit<Side, 'version'>,
  endpoint: Omit<Side, 'version'>,
  options: Pick<ReplayOptions, 'only' | 'say' | 'engine'>,
): Promise<Replayed> {
  const version = String((await request(engine.endpoint, 'GET', '/_ping')).headers['api-version']);
  const cases = await loadCases(options.only);
  const docker: Step[] = [];
  const ours: Step[] = [];
  const listed = DIVERGENCES.filter((one) => one.engine === undefined || [one.engine].flat().includes(options.engine));
  const both = async (one: Case): Promise<void> => {
    const started = Date.now();
    await Promise.all([tell(one, { ...engine, version }, docker), tell(one, { ...endpoint, version }, ours)]);
    const found = compare(
      docker.filter((step) => step.case === one.name),
      ours.filter((step) => step.case === one.name),
    );
    const { unlisted } = judge(found, listed);
    options.say(`${unlisted.length === 0 ? '✔' : '✖'} ${one.name} (${Date.now() - started} ms)`);
    for (const difference of unlisted) options.say(`  ${describe(difference)}`);
  };
  const sweepBoth = () => Promise.all([sweep(engine.endpoint), sweep(endpoint.endpoint)]);
  const together = cases.filter(({ isAlone }) => isAlone !== true);
  const worker = async (): Promise<void> => {
    for (let one = together.shift(); one !== undefined; one = together.shift()) await both(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await sweepBoth();
  for (const one of cases.filter(({ isAlone }) => isAlone === true)) {
    await both(one);
    await sweepBoth();
  }
  const verdict = judge(compare(docker, ours), listed);
  return { ...verdict, unseen: options.only === undefined ? verdict.unseen : [], steps: docker.length, cases: cases.length, left: [] };
}

async function tell(one: Case, side: Side, steps: Step[]): Promise<void> {
  const session = createSession(side, (step) => steps.push(step), one.name);
  try {
    await one.run(session);
  } catch (error) {
    // never the same on both sides: a story that is not told to its end compares nothing
    session.note('the case itself', '*', { [side.endpoint]: error instanceof Error ? error.message : String(error) });
  }
}

/** Containers, networks and volumes; images that a case made are its own to remove. */
async function sweep(endpoint: Endpoint): Promise<void> {
  const all = (await json(endpoint, '/containers/json?all=1')) as { Id: string }[];
  await Promise.all(all.map(({ Id }) => request(endpoint, 'DELETE', `/containers/${Id}?force=1&v=1`)));
  const networks = (await json(endpoint, '/networks')) as { Id: string; Name: string }[];
  const own = networks.filter(({ Name }) => !/^(bridge|host|none)$|_default$/.test(Name));
  await Promise.all(own.map(({ Id }) => request(endpoint, 'DELETE', `/networks/${Id}`)));
  const { Volumes } = (await json(endpoint, '/volumes')) as { Volumes: { Name: string }[] | null };
  await Promise.all((Volumes ?? []).map(({ Name }) => request(endpoint, 'DELETE', `/volumes/${Name}?force=1`)));
}

async function json(endpoint: Endpoint, path: string): Promise<unknown> {
  return JSON.parse((await request(endpoint, 'GET', path)).body.toString()) as unknown;
}
