/**
 * Ids in the services API's own shape, the same under every leader: 25 letters and digits, made from what the object is. Pure.
 * Source: swarmkit identity/randomid.go.
 */
import { createHash } from 'node:crypto';

function id(kind: string, name: string): string {
  const digest = createHash('sha256').update(`${kind}/${name}`).digest('hex');
  return BigInt(`0x${digest}`).toString(36).padStart(50, '0').slice(-25);
}

/** The ids of services (`deployment`, `service`), hosts, instances and the cluster, as `docker service`, `docker node` and `docker swarm` show them. */
export const ids = {
  service: (deployment: string, service: string) => id('service', `${deployment}/${service}`),
  node: (host: string) => id('node', host),
  task: (container: string) => id('task', container),
  swarm: (cluster: string) => id('swarm', cluster),
} as const;

/** What makes such ids. */
export type Ids = typeof ids;
