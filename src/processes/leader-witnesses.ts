/**
 * What hosts say of a leader that does not answer a follower: whether they hear from it. A follower that alone cannot reach it must not end its session.
 * Effects: reads the store, asks gateways of hosts.
 */
import { keys } from '../model/index.ts';
import { accepts, leaderHeard } from '../schemas/index.ts';
import type { StateStore } from '../store/index.ts';

/** silent: hosts that its followers can reach do not hear from it either. unknown: none of them can tell. */
export type Testimony = 'alive' | 'silent' | 'unknown';

/** Agents hear from their leader each second. */
const SILENT_MS = 2_000;
export const WITNESS_TIMEOUT_MS = 1_000;
/** Asked at a time, whichever they are. */
const MOST_WITNESSES = 7;

/** Pure. `heard`: how long ago each witness heard from the leader of this epoch. */
export function testimony(heardMsAgo: readonly number[]): Testimony {
  if (heardMsAgo.length === 0) return 'unknown';
  return heardMsAgo.every((ms) => ms >= SILENT_MS) ? 'silent' : 'alive';
}

const gatewayIn = (value: unknown): readonly string[] =>
  typeof value === 'object' && value !== null && 'gateway' in value && typeof value.gateway === 'string' ? [value.gateway] : [];

/** `token`: as an operator gave it, for a store that has none yet: it may have been rotated since. `timeoutMs`: for the answer of each witness. */
export function createWitnesses(
  store: Pick<StateStore, 'list' | 'get'>,
  token: string | undefined,
  random: () => number,
  timeoutMs: number,
): (epoch: number) => Promise<Testimony> {
  async function ask(gateway: string, epoch: number, bearer: string): Promise<readonly number[]> {
    try {
      const answer = await fetch(`http://${gateway}/leader`, {
        headers: { Authorization: `Bearer ${bearer}` },
        signal: AbortSignal.timeout(timeoutMs),
      });
      const said: unknown = await answer.json();
      return answer.ok && accepts(leaderHeard, said) && said.epoch === epoch ? [said.heardMsAgo] : [];
    } catch {
      return [];
    }
  }
  return async (epoch) => {
    const signal = AbortSignal.timeout(3 * timeoutMs);
    try {
      const [entries, kept] = await Promise.all([store.list(keys.hosts, signal), store.get(keys.joinToken, signal)]);
      const bearer = kept?.value ?? token;
      if (typeof bearer !== 'string') return 'unknown';
      const gateways = entries.flatMap(({ value }) => gatewayIn(value));
      const drawn = gateways.map((gateway) => ({ gateway, at: random() })).sort((a, b) => a.at - b.at);
      const heard = await Promise.all(drawn.slice(0, MOST_WITNESSES).map(({ gateway }) => ask(gateway, epoch, bearer)));
      return testimony(heard.flat());
    } catch {
      return 'unknown';
    }
  };
}
