/** Effects: the same question to every alive host's Engine at once, each within a bound. One that is slow or silent costs its own answer only. */
import { engineJson } from '../../engine/index.ts';
import { ArpanetError, type HostView, isKind } from '../../model/index.ts';
import { hostWarnings, whileAlive } from '../proxy/answer-watchdog.ts';
import type { Cluster } from '../../contracts/index.ts';
import { olderVersion } from '../../text/api-version.ts';

export interface HostsAnswer {
  /** As its Engine gave it, unchecked. */
  readonly answers: readonly { readonly host: string; readonly answer: object }[];
  /** `host h2: why`, one for each host that gave none. */
  readonly warnings: readonly string[];
}

/** `path` without version; a client's mistake that every host refuses is thrown; each Engine is spoken to in the client's version, capped by what it knows. */
export async function askHosts(cluster: Cluster, path: string, apiVersion: string, timeoutMs: number): Promise<HostsAnswer> {
  const alive = cluster.hosts.list().filter((host) => host.state === 'alive');
  refuseElsewhere(cluster, alive);
  const asked = alive.map((host) => askHost(cluster, host, path, apiVersion, timeoutMs));
  const settled = await Promise.allSettled(asked);
  const refused = settled.flatMap((one) => (one.status === 'rejected' && isRefusal(one.reason) ? [one.reason as unknown] : []));
  if (settled.length > 0 && refused.length === settled.length) throw refused[0];
  const silent = settled.flatMap((one, i) => (one.status === 'rejected' ? [alive[i]?.name ?? ''] : []));
  const known = hostWarnings(cluster.hosts.list().filter(({ name }) => !silent.includes(name)));
  return {
    answers: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    warnings: [
      ...known,
      ...settled.flatMap((one, i) => (one.status === 'rejected' ? [`host ${alive[i]?.name ?? ''}: ${messageOf(one.reason)}`] : [])),
    ],
  };
}

async function askHost(cluster: Cluster, host: HostView, path: string, apiVersion: string, timeoutMs: number) {
  const { agent } = cluster.engines.endpoint(host.name);
  const call = { method: 'GET', path: `/v${olderVersion(apiVersion, host.facts?.apiVersion)}${path}`, timeoutMs };
  const answer = await whileAlive(agent, (signal) => engineJson<unknown>({ agent }, { ...call, signal }));
  if (typeof answer !== 'object' || answer === null) throw new ArpanetError('engine', 'its Engine answered with no JSON object or list');
  return { host: host.name, answer };
}

const isRefusal = (reason: unknown): boolean =>
  reason instanceof ArpanetError && reason.engineStatus !== undefined && reason.engineStatus >= 400 && reason.engineStatus < 500;

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/** Throws `not-leader` where Engines are not asked from here: from a follower's copy of the view. An answer that lacks what they say would be wrong. */
export function refuseElsewhere(cluster: Cluster, [first]: readonly HostView[]): void {
  try {
    if (first !== undefined) cluster.engines.endpoint(first.name);
  } catch (error) {
    if (isKind(error, 'not-leader')) throw error;
  }
}
