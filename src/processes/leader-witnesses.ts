/**
 * What hosts say of a leader that does not answer a follower: whether they hear from it. A follower that alone cannot reach it must not end its session.
 * Effects: reads the store, asks gateways of hosts.
 */
import type { ConnectionOptions } from 'node:tls';
import { shortRequest } from '../engine/index.ts';
import { keys } from '../model/index.ts';
import { accepts, leaderHeard, parseJson } from '../schemas/index.ts';
import { hostServerName } from '../security/index.ts';
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

interface Witness {
  readonly gateway: string;
  /** Its gateway speaks TLS, under this name. */
  readonly tlsName: string | undefined;
}

function witnessIn(value: unknown): readonly Witness[] {
  if (typeof value !== 'object' || value === null || !('gateway' in value) || typeof value.gateway !== 'string') return [];
  const hasTls = 'hasTls' in value && value.hasTls === true && 'name' in value;
  return [{ gateway: value.gateway, tlsName: hasTls ? hostServerName(String(value.name)) : undefined }];
}

/**
 * `token`: as an operator gave it, for a store that has none yet: it may have been rotated since. `timeoutMs`: for the answer of each witness. `dial`: for a
 * gateway with TLS; undefined: this scheduler has no certificate to show there.
 */
export function createWitnesses(
  store: Pick<StateStore, 'list' | 'get'>,
  token: string | undefined,
  random: () => number,
  timeoutMs: number,
  dial: (servername: string) => ConnectionOptions | undefined,
): (epoch: number) => Promise<Testimony> {
  async function ask({ gateway, tlsName }: Witness, epoch: number, bearer: string): Promise<readonly number[]> {
    try {
      const isTls = tlsName !== undefined;
      const answer = await shortRequest({
        url: `http${isTls ? 's' : ''}://${gateway}/leader`,
        headers: isTls ? {} : { Authorization: `Bearer ${bearer}` },
        signal: AbortSignal.timeout(timeoutMs),
        tls: isTls ? dial(tlsName) : undefined,
      });
      const said: unknown = parseJson(answer.text);
      return answer.status === 200 && accepts(leaderHeard, said) && said.epoch === epoch ? [said.heardMsAgo] : [];
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
      const witnesses = entries.flatMap(({ value }) => witnessIn(value));
      const drawn = witnesses.map((witness) => ({ witness, at: random() })).sort((a, b) => a.at - b.at);
      const heard = await Promise.all(drawn.slice(0, MOST_WITNESSES).map(({ witness }) => ask(witness, epoch, bearer)));
      return testimony(heard.flat());
    } catch {
      return 'unknown';
    }
  };
}
