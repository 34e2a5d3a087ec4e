/** When images were made, to the fraction of a second, which no list tells. Effects: an inspect of each, at a host that has it. */
import { engineJson } from '../../engine/index.ts';
import { whileAlive } from '../proxy/answer-watchdog.ts';
import type { Cluster } from '../../contracts/index.ts';
import { refuseElsewhere } from '../reads/ask-hosts.ts';

const TIMEOUT_MS = 2_000;

/** In seconds, by id. An image whose host does not answer is left out. */
export async function imageTimes(cluster: Cluster, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const alive = cluster.hosts.list().filter((host) => host.state === 'alive' && host.facts !== undefined);
  refuseElsewhere(cluster, alive);
  const times = await Promise.allSettled(
    ids.map(async (id): Promise<readonly [string, number]> => {
      const host = alive.find(({ images }) => images.some((image) => image.Id === id));
      if (host === undefined) throw new Error(`no host that answers has ${id}`);
      const { agent } = cluster.engines.endpoint(host.name);
      const call = { method: 'GET', path: `/v${host.facts?.apiVersion ?? ''}/images/${id}/json`, timeoutMs: TIMEOUT_MS };
      const { Created } = await whileAlive(agent, (signal) => engineJson<{ readonly Created: string }>({ agent }, { ...call, signal }));
      return [id, seconds(Created)];
    }),
  );
  return new Map(times.flatMap((one) => (one.status === 'fulfilled' && !Number.isNaN(one.value[1]) ? [one.value] : [])));
}

/** JavaScript's dates end at milliseconds. */
function seconds(text: string): number {
  const fraction = /\.\d+/.exec(text)?.[0] ?? '';
  return Math.floor(Date.parse(text) / 1_000) + Number(`0${fraction}`);
}
