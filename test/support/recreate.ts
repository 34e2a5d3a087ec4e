/** Makes a container again from its inspect, as watchtower, Portainer's "recreate" and runlike do. */
import assert from 'node:assert/strict';
import { must, type Cluster } from './cluster/cluster.ts';

interface Inspected {
  readonly Config: object;
  readonly HostConfig: object;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly NetworkID: string; readonly IPAddress: string }>> };
}

/** What it was before, and what it is now, by name. The old one is removed first. */
export async function recreate(cluster: Cluster, name: string, api: string): Promise<{ readonly was: Inspected; readonly is: Inspected }> {
  const inspect = async () => (await (await fetch(`${cluster.url}/v${api}/containers/${name}/json`)).json()) as Inspected;
  const was = await inspect();
  await must(cluster.docker('rm', '-f', name));
  const body = { ...was.Config, HostConfig: was.HostConfig, NetworkingConfig: { EndpointsConfig: was.NetworkSettings.Networks } };
  const headers = { 'Content-Type': 'application/json' };
  const made = await fetch(`${cluster.url}/v${api}/containers/create?name=${name}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  assert.equal(made.status, 201, await made.clone().text());
  await must(cluster.docker('start', name));
  return { was, is: await inspect() };
}
