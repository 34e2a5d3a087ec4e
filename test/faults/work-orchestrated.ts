/** Long work of the cluster itself, some of it with the host: updates, drains, deploys. Effects: `arpanet` commands. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Output } from '../support/cluster/cluster.ts';
import { request } from '../support/cluster/leaders.ts';
import { operator, type NetworkReport } from '../support/cluster/leftovers.ts';
import { DEPLOYMENT } from './clients.ts';
import type { Place, Work } from './work.ts';

/** A host is lost after 30 s, and what was there begins elsewhere then. */
const BOUND_MS = 110_000;

const arpanet = ({ cluster, url }: Place, ...args: readonly string[]): Promise<Output> => cluster.arpanet(...args, '--endpoint', url);

const file = `
services:
  web: {image: busybox, command: sleep 100000, scale: 3, stop_grace_period: 0s}
  api: {image: busybox, command: sleep 100000, scale: 3, stop_grace_period: 0s, depends_on: [web]}
`;
const project = ({ tag }: Place): string => `deployed${tag}`;

async function activateAll(place: Place): Promise<boolean> {
  const hosts = await operator<readonly { readonly name: string; readonly availability: string }[]>(place, 'hosts');
  const closed = hosts.filter(({ availability }) => availability !== 'active');
  for (const { name } of closed) await arpanet(place, 'activate', name);
  return closed.length === 0;
}

export const ORCHESTRATED: readonly Work[] = [
  {
    kind: 'update',
    boundMs: BOUND_MS,
    begin: async (place) => ({ ended: arpanet(place, 'update', `${DEPLOYMENT}/held`, '--env', `ROUND=${place.tag}`) }),
  },
  {
    kind: 'drain of it',
    boundMs: BOUND_MS,
    begin: async (place) => ({ ended: arpanet(place, 'drain', place.host.name, '--deadline', '100s') }),
    clear: activateAll,
  },
  {
    kind: 'deploy',
    boundMs: BOUND_MS,
    async begin(place) {
      const dir = join(place.cluster.lab.dir, project(place));
      await mkdir(dir);
      await writeFile(join(dir, 'compose.yml'), file);
      return { ended: arpanet(place, 'deploy', '-f', join(dir, 'compose.yml'), '-p', project(place)) };
    },
    async clear(place) {
      await arpanet(place, 'rm', project(place));
      // one that was cut off before its first container has nothing but a network
      const networks = await operator<readonly NetworkReport[]>(place, 'networks');
      const left = networks.filter(({ deployment }) => deployment === project(place));
      for (const { id } of left) await request(place.url, 'DELETE', `/networks/${id}`);
      return left.length === 0;
    },
  },
  {
    kind: 'drain of another',
    boundMs: BOUND_MS,
    async begin(place) {
      const other = place.cluster.lab.hosts.find(({ name }) => name !== place.host.name)?.name ?? '';
      return { ended: arpanet(place, 'drain', other, '--deadline', '100s') };
    },
    clear: activateAll,
  },
];
