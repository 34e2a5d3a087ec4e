/** The lab's clients: each creates, starts, stops and removes its own containers and networks, at any scheduler, and writes down what it was told. */
import { type Cluster, runProgram } from '../support/cluster/cluster.ts';
import { type Answer, request } from '../support/cluster/leaders.ts';
import type { Operation } from './checker.ts';
import { randomOf } from './schedule.ts';

export const DEPLOYMENT = 'lab';
/** Names of the instances that the cluster holds: nobody removes them. */
export const HELD = 'held-';
/** Live containers of one client at most. */
const MOST = 4;

export interface Client {
  /** One operation, at random; when it is answered, it is in `operations`. */
  step(): Promise<void>;
  /** Removes all that may be there, when all is at peace; what was refused. */
  clear(more?: readonly string[]): Promise<readonly string[]>;
}

/** Instances of one service, counted as they are made: from then on the cluster keeps them. */
export async function makeHeld(cluster: Cluster, count: number, startMs: number, operations: Operation[]): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, index) => `${HELD}${index + 1}`);
  const url = cluster.schedulers[0]?.url ?? '';
  for (const name of names) {
    const startedMs = Date.now() - startMs;
    const Labels = { 'arpanet.deployment': DEPLOYMENT, 'arpanet.service': 'held' };
    const body = { Image: 'busybox', Cmd: ['sleep', '100000'], StopTimeout: 0, Labels, HostConfig: { RestartPolicy: { Name: 'always' } } };
    const { status } = await request(url, 'POST', `/containers/create?name=${name}`, body);
    operations.push({ kind: 'create', name, startedMs, endedMs: Date.now() - startMs, status, retryAfter: false });
    await request(url, 'POST', `/containers/${name}/start`);
  }
  return names;
}

export function createClient(cluster: Cluster, name: string, seed: number, startMs: number, operations: Operation[]): Client {
  const random = randomOf(seed);
  const containers: string[] = [];
  const networks: string[] = [];
  let count = 0;
  const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];

  const drop = (all: string[], one: string): void => {
    const at = all.indexOf(one);
    if (at >= 0) all.splice(at, 1);
  };
  async function ask(kind: Operation['kind'], what: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const startedMs = Date.now() - startMs;
    const url = pick(cluster.schedulers)?.url ?? '';
    const answer = await request(url, method, path, body, 60_000);
    const endedMs = Date.now() - startMs;
    const { status, message } = answer;
    operations.push({ kind, name: what, startedMs, endedMs, status, retryAfter: answer.retryAfter !== null, message });
    return answer;
  }
  async function remove(container: string): Promise<Answer> {
    const answer = await ask('remove', container, 'DELETE', `/containers/${container}?force=1`);
    const { status } = answer;
    if (status === 204 || status === 404) drop(containers, container);
    return answer;
  }
  async function removeNetwork(network: string): Promise<void> {
    const { status } = await ask('network-remove', network, 'DELETE', `/networks/${network}`);
    if (status === 204 || status === 404) drop(networks, network);
  }

  return {
    async step() {
      const dice = random();
      const container = pick(containers);
      if (container === undefined || (dice < 0.35 && containers.length < MOST)) {
        const created = `${name}-${count++}`;
        containers.push(created);
        const Labels = { 'arpanet.deployment': DEPLOYMENT };
        const body = { Image: 'busybox', Cmd: ['sleep', '100000'], StopTimeout: 0, Labels };
        const { status } = await ask('create', created, 'POST', `/containers/create?name=${created}`, body);
        if (status === 201) await ask('start', created, 'POST', `/containers/${created}/start`);
      } else if (dice < 0.5) await ask('start', container, 'POST', `/containers/${container}/start`);
      else if (dice < 0.6) await ask('stop', container, 'POST', `/containers/${container}/stop?t=0`);
      else if (dice < 0.8) await remove(container);
      else if (dice < 0.88) {
        const network = pick(networks);
        if (network !== undefined && networks.length > 1) return removeNetwork(network);
        const created = `${name}-net-${count++}`;
        networks.push(created);
        await ask('network-create', created, 'POST', '/networks/create', { Name: created });
      } else await ask('list', '', 'GET', '/containers/json?all=1');
    },
    async clear(more = []) {
      const refused: string[] = [];
      for (const container of [...containers, ...more]) {
        const first = await remove(container);
        const { status, message } = (await unmounted(first)) ? await remove(container) : first;
        if (status !== 204 && status !== 404) refused.push(`in peace, DELETE ${container} was answered ${status}: ${message.trim()}`);
      }
      for (const network of networks.slice()) await removeNetwork(network);
      return refused;
    },
  };
}

/** An Engine that was killed at the wrong moment leaves a layer mounted, and then cannot remove its container: a person unmounts it. Whether it was so. */
async function unmounted({ status, message }: Answer): Promise<boolean> {
  const [, layer] = /unlinkat (\/\S+\/merged): device or resource busy/.exec(message) ?? [];
  if (status !== 500 || layer === undefined) return false;
  return (await runProgram('umount', ['-l', layer])).code === 0;
}
