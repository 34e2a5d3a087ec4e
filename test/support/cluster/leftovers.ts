/** What a deployment must not leave behind, looked for on every host, in the store's networks and in the name table. */
import assert from 'node:assert/strict';
import { engineJson } from '../../../src/engine/request.ts';
import type { Cluster } from './cluster.ts';
import { must, runProgram, until } from './cluster.ts';

export interface NetworkReport {
  readonly id: string;
  readonly name: string;
  readonly deployment: string;
  readonly cidr: string;
  readonly leases: readonly {
    readonly ip: string;
    readonly kind: string;
    readonly owner: string;
    readonly host: string;
    readonly state: string;
  }[];
}

export async function operator<T>(cluster: { readonly url: string }, path: string): Promise<T> {
  const answer = await fetch(`${cluster.url}/arpanet/v1/${path}`, { signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/**
 * What the cluster has on all hosts: containers, networks and volumes of these deployments, and all VXLAN devices. Asked without a program but
 * for the devices, which are looked at once all else is gone: it is asked again and again.
 */
export async function leftovers(cluster: Cluster, deployments: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const host of cluster.lab.hosts) {
    const ask = <T>(path: string, label: string) =>
      engineJson<T>({ socketPath: host.socket }, { method: 'GET', path: `${path}filters=${labelled(label)}`, timeoutMs: 60_000 });
    for (const deployment of deployments) {
      const of = `com.docker.compose.project=${deployment}`;
      const containers = await ask<{ Id: string }[]>('/containers/json?all=1&', of);
      found.push(...containers.map(({ Id }) => `${host.name}: container ${Id.slice(0, 12)}`));
      const { Volumes } = await ask<{ Volumes: { Name: string }[] | null }>('/volumes?', of);
      found.push(...(Volumes ?? []).map(({ Name }) => `${host.name}: volume ${Name}`));
    }
    const networks = await ask<{ Name: string }[]>('/networks?', 'arpanet.network');
    found.push(...networks.map(({ Name }) => `${host.name}: network ${Name}`));
  }
  const networks = await operator<NetworkReport[]>(cluster, 'networks');
  found.push(...networks.map((network) => `store: network ${network.name} with ${network.leases.length} leases`));
  const names = await operator<{ id: string }[]>(cluster, 'names');
  found.push(...names.map((instance) => `name ${instance.id}`));
  if (cluster.consul !== undefined) {
    const services = (await (await fetch(`http://${cluster.consul.http}/v1/catalog/services`)).json()) as Record<string, unknown>;
    found.push(
      ...Object.keys(services)
        .filter((name) => name !== 'consul')
        .map((name) => `catalog: ${name}`),
    );
    const keys = (await (await fetch(`http://${cluster.consul.http}/v1/kv/arpanet/leases/?keys`)).text()).trim();
    if (keys.startsWith('[')) found.push(...(JSON.parse(keys) as string[]).map((key) => `consul: ${key}`));
  }
  return found.length > 0 ? found : vxlanDevices(cluster);
}

const labelled = (label: string): string => encodeURIComponent(JSON.stringify({ label: [label] }));

async function vxlanDevices(cluster: Cluster): Promise<string[]> {
  const found = cluster.lab.hosts.map(async ({ name, namespace }) => {
    const links = await must(runProgram('ip', ['-n', namespace, '-o', 'link', 'show', 'type', 'vxlan']));
    return links.split('\n').flatMap((line) => (line === '' ? [] : [`${name}: device ${line}`]));
  });
  return (await Promise.all(found)).flat();
}

/** What is used by nobody goes by itself, a few seconds later; on a busy machine these are more. */
const GONE_WITHIN_MS = 20_000;

/** Waits (bounded) until nothing is left; the message names what is. */
export async function assertNothingLeft(cluster: Cluster, deployments: readonly string[]): Promise<void> {
  let found: string[] = [];
  await until('nothing is left', async () => (found = await leftovers(cluster, deployments)).length === 0, GONE_WITHIN_MS).catch(
    () => undefined,
  );
  assert.deepEqual(found, []);
}
