/** What a deployment must not leave behind, looked for on every host, in the store's networks and in the name table. */
import assert from 'node:assert/strict';
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

/** What the cluster has on all hosts: containers, networks and volumes of these deployments, and all VXLAN devices. */
export async function leftovers(cluster: Cluster, deployments: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const host of cluster.lab.hosts) {
    const lines = async (...args: string[]) => (await must(cluster.engine(host.name, ...args))).split('\n').filter((line) => line !== '');
    for (const deployment of deployments) {
      const of = ['--filter', `label=com.docker.compose.project=${deployment}`];
      found.push(...(await lines('ps', '-aq', ...of)).map((id) => `${host.name}: container ${id}`));
      found.push(...(await lines('volume', 'ls', '-q', ...of)).map((id) => `${host.name}: volume ${id}`));
    }
    found.push(
      ...(await lines('network', 'ls', '--format', '{{.Name}}', '--filter', 'label=arpanet.network')).map(
        (name) => `${host.name}: network ${name}`,
      ),
    );
    const links = await must(runProgram('ip', ['-n', host.namespace, '-o', 'link', 'show', 'type', 'vxlan']));
    found.push(
      ...links
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `${host.name}: device ${line}`),
    );
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
  return found;
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
