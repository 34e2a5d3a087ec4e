/** The certificate authority of a cluster, made by its first leader and kept in the store. Effects: the ledger, chance. */
import { createKeyed } from '../../async/keyed.ts';
import { type CaRecord, keys } from '../../model/index.ts';
import { accepts, caRecord } from '../../schemas/index.ts';
import { type CertificateAuthority, newAuthority, openAuthority, withNewAuthority, withoutOldAuthorities } from '../../security/index.ts';
import type { Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

/** The one that signs now may change. */
export interface ClusterCa extends CertificateAuthority {
  /** The last time that it did, in ms since 1970; undefined: never. */
  readonly rotatedMs: () => number | undefined;
  /** Another CA signs from now on; those before are trusted still. Throws `conflict` while one from before is. */
  readonly rotate: () => Promise<void>;
  /** The one that signs is trusted alone. */
  readonly finish: () => Promise<void>;
}

/**
 * `isSealed`: what is secret is sealed in this store; where it is not, there is no CA. A damaged record is not replaced: the certificates that are in use would be refused. It costs
 * itself alone: undefined.
 */
export async function authorityOf(
  ledger: Pick<Ledger, 'get' | 'commit' | 'unreadable'>,
  isSealed: boolean,
  now: () => number,
  log: Logger,
): Promise<ClusterCa | undefined> {
  if (!isSealed) return undefined;
  const found = ledger.get(keys.ca);
  const unreadable = ledger.unreadable().find(({ key }) => key === keys.ca);
  if (found === undefined && unreadable === undefined) {
    const made: CaRecord = { authorities: [await newAuthority(now())] };
    await ledger.commit([{ kind: 'put', key: keys.ca, value: made }]);
    return liveCa(ledger, made, now);
  }
  try {
    if (accepts(caRecord, found)) return liveCa(ledger, found, now);
  } catch (err) {
    log.error({ key: keys.ca, err }, DAMAGED);
    return undefined;
  }
  log.error({ key: keys.ca, why: unreadable?.why ?? 'it has another form' }, DAMAGED);
  return undefined;
}

function liveCa(ledger: Pick<Ledger, 'commit'>, found: CaRecord, now: () => number): ClusterCa {
  let record = found;
  let opened = openAuthority(record, now);

  async function keep(next: CaRecord): Promise<void> {
    const open = openAuthority(next, now);
    await ledger.commit([{ kind: 'put', key: keys.ca, value: next }]);
    record = next;
    opened = open;
  }

  /** One change after the other: each begins with the record that the one before has left. */
  const turns = createKeyed();

  return {
    get fingerprint() {
      return opened.fingerprint;
    },
    get bundle() {
      return opened.bundle;
    },
    get trusted() {
      return opened.trusted;
    },
    issue: async (request) => await opened.issue(request),
    rotatedMs: () => record.rotatedMs,
    rotate: async () => await turns.serial('ca', async () => await keep(await withNewAuthority(record, now()))),
    finish: async () => await turns.serial('ca', async () => await keep(withoutOldAuthorities(record))),
  };
}

const DAMAGED = "the record of the cluster's CA cannot be used: no certificate is issued; write it back from a backup";
