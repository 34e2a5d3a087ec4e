/** The identity of a cluster: its id and its join token, made by its first leader and kept in the store. Effects: the ledger, chance. */
import { randomBytes } from 'node:crypto';
import { ArpanetError, keys } from '../model/index.ts';
import type { Ledger } from '../store/index.ts';

/** `joinToken`: as the operator gave it. Throws `unavailable` for a store that holds half of a cluster. */
export async function identityOf(
  ledger: Ledger,
  joinToken: string | undefined,
  newId: () => string,
): Promise<{ readonly token: string; readonly clusterId: string }> {
  if (ledger.get(keys.incomplete) !== undefined) {
    throw new ArpanetError(
      'unavailable',
      'the state store was left half written by "arpanet restore" or "arpanet recover": run that again',
    );
  }
  const token = joinToken ?? ledger.get<string>(keys.joinToken) ?? randomBytes(24).toString('base64url');
  const clusterId = ledger.get<string>(keys.clusterId) ?? newId();
  if (ledger.get(keys.clusterId) === undefined) await ledger.commit([{ kind: 'put', key: keys.clusterId, value: clusterId }]);
  if (ledger.get(keys.joinToken) !== token) await ledger.commit([{ kind: 'put', key: keys.joinToken, value: token }]);
  return { token, clusterId };
}
