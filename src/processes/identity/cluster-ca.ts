/** The certificate authority of a cluster, made by its first leader and kept in the store. Effects: the ledger, chance. */
import { type CaRecord, keys } from '../../model/index.ts';
import { accepts, caRecord } from '../../schemas/index.ts';
import { type CertificateAuthority, newAuthority, openAuthority } from '../../security/index.ts';
import type { Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

/**
 * `isSealed`: what is secret is sealed in this store; where it is not, there is no CA. A damaged record is not replaced: the certificates that are in use would be refused. It costs
 * itself alone: undefined.
 */
export async function authorityOf(
  ledger: Ledger,
  isSealed: boolean,
  now: () => number,
  log: Logger,
): Promise<CertificateAuthority | undefined> {
  if (!isSealed) return undefined;
  const found = ledger.get(keys.ca);
  const unreadable = ledger.unreadable().find(({ key }) => key === keys.ca);
  if (found === undefined && unreadable === undefined) {
    const made: CaRecord = { authorities: [await newAuthority(now())] };
    await ledger.commit([{ kind: 'put', key: keys.ca, value: made }]);
    return openAuthority(made, now);
  }
  try {
    if (accepts(caRecord, found)) return openAuthority(found, now);
  } catch (err) {
    log.error({ key: keys.ca, err }, DAMAGED);
    return undefined;
  }
  log.error({ key: keys.ca, why: unreadable?.why ?? 'it has another form' }, DAMAGED);
  return undefined;
}

const DAMAGED = "the record of the cluster's CA cannot be used: no certificate is issued; write it back from a backup";
