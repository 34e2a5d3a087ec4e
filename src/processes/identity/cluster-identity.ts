/** The identity of a cluster: its id, its join token and its key for labels, made by its first leader and kept in the store. Effects: the ledger, chance. */
import { randomBytes } from 'node:crypto';
import { ArpanetError, keys, STORE_SCHEMA, storeSchemaFault, type VolumeRecord } from '../../model/index.ts';
import { accepts, identityText } from '../../schemas/index.ts';
import type { Ledger, StateStore } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { newJoinSecret } from './join-passes.ts';
import { isReplaced } from './join-secret.ts';

/** `joinToken`: as the operator gave it. Throws `unavailable` for a store that holds half of a cluster, or records of a newer release. */
export async function identityOf(
  ledger: Ledger,
  joinToken: string | undefined,
  newId: () => string,
  log: Logger,
): Promise<{ readonly token: string; readonly clusterId: string; readonly labelKey: string }> {
  if (ledger.get(keys.incomplete) !== undefined) {
    throw new ArpanetError(
      'unavailable',
      'the state store was left half written by "arpanet restore" or "arpanet recover": run that again',
    );
  }
  const schemaFault = storeSchemaFault(ledger.get(keys.schema));
  if (schemaFault !== undefined) throw new ArpanetError('unavailable', schemaFault);
  const isOld = joinToken !== undefined && isReplaced(ledger, joinToken);
  if (isOld)
    log.warn('this scheduler was started with a join token that was rotated since: the new one, which "arpanet token" prints, counts');
  const token = (isOld ? undefined : joinToken) ?? textAt(ledger, keys.joinToken) ?? newJoinSecret();
  const clusterId = textAt(ledger, keys.clusterId) ?? newId();
  // nobody has read a new cluster before
  if (ledger.get(keys.clusterId) === undefined)
    await ledger.commit([
      { kind: 'put', key: keys.clusterId, value: clusterId },
      { kind: 'put', key: keys.schema, value: STORE_SCHEMA },
    ]);
  if (ledger.get(keys.joinToken) !== token) await ledger.commit([{ kind: 'put', key: keys.joinToken, value: token }]);
  return { token, clusterId, labelKey: await labelKeyOf(ledger, log) };
}

const KEPT = [keys.joinToken, keys.labelKey, keys.ca, keys.secretsOf('secret'), keys.secretsOf('config')];

/** Secrets that a release before has stored as plain text are sealed; other records are when they are written next. */
export async function sealKept(store: Pick<StateStore, 'unsealed'>, ledger: Ledger): Promise<void> {
  for (const key of store.unsealed?.() ?? []) {
    const isKept = KEPT.some((kept) => key.startsWith(kept));
    // a volume's record is hardly ever written again
    const hasOptions = key.startsWith(keys.volumes) && ledger.get<VolumeRecord>(key)?.options !== undefined;
    const value = isKept || hasOptions ? ledger.get(key) : undefined;
    if (value !== undefined) await ledger.commit([{ kind: 'put', key, value }]);
  }
}

/**
 * Without the key that was, what labels say of containers made with it is proven no more; the store's own records of them count as before. So a
 * damaged one is replaced, and does not keep a cluster from being led.
 */
async function labelKeyOf(ledger: Ledger, log: Logger): Promise<string> {
  const found = ledger.get(keys.labelKey);
  if (accepts(identityText, found)) return found;
  const made = randomBytes(32).toString('base64url');
  if (found !== undefined || ledger.unreadable().some(({ key }) => key === keys.labelKey))
    log.error(
      { key: keys.labelKey },
      'the key that labels on containers are signed with was damaged: a new one is made, and labels written before prove nothing any more',
    );
  await ledger.commit([{ kind: 'put', key: keys.labelKey, value: made }]);
  return made;
}

/** Undefined only if the key is absent: with a new id or token in place of a damaged one, every host would refuse this cluster. Throws `unavailable`. */
function textAt(ledger: Ledger, key: string): string | undefined {
  const value = ledger.get(key);
  const unreadable = ledger.unreadable().find((record) => record.key === key);
  if (value === undefined && unreadable === undefined) return undefined;
  if (accepts(identityText, value)) return value;
  throw new ArpanetError(
    'unavailable',
    `the key ${key} of the state store is damaged (${unreadable?.why ?? 'it holds no text'}), and hosts would refuse a cluster with a new one: write its value back, or run "arpanet restore" or "arpanet recover"`,
  );
}
