/**
 * The rotation of the cluster's CA: from its beginning the new one signs and both are trusted, until everybody has a certificate of the new one. Effects: the ledger, the CA, messages to
 * hosts.
 */
import { ArpanetError, type CertificateRecord, keys, type UserRecord } from '../../model/index.ts';
import type { CaOperations, CaReport } from '../../operator-api/index.ts';
import { fingerprintOf } from '../../security/index.ts';
import type { Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ClusterCa } from './cluster-ca.ts';

interface CaRotationDeps {
  readonly ledger: Pick<Ledger, 'get' | 'list' | 'commit'>;
  /** Undefined: the cluster has none. */
  readonly ca: ClusterCa | undefined;
  readonly now: () => number;
  /** This scheduler certifies itself again, and connected hosts get to know whom to trust. */
  readonly spread: () => Promise<void>;
  /** Ends the stream of a host. */
  readonly disconnect: (host: string, why: string) => void;
  readonly log: Logger;
}

const NAMED = 5;

export function createCaRotation({ ledger, ca, now, spread, disconnect, log }: CaRotationDeps): CaOperations {
  function known(): ClusterCa {
    if (ca === undefined) throw new ArpanetError('unavailable', 'this cluster has no CA: its store needs a key (--cluster-key)');
    return ca;
  }

  /** Whose certificates the CA that signs has not signed. */
  function left(fingerprint: string): { readonly hosts: readonly CertificateRecord[]; readonly users: readonly UserRecord[] } {
    const hosts = ledger
      .list<CertificateRecord>(keys.certificates)
      .flatMap(([, one]) => (one.serials.length > 0 && one.ca !== fingerprint ? [one] : []));
    const users = ledger
      .list<UserRecord>(keys.users)
      .flatMap(([, one]) => (one.certificates.length > 0 && one.certificates.every(({ ca: by }) => by !== fingerprint) ? [one] : []));
    return { hosts, users };
  }

  function report(): CaReport {
    const { fingerprint, trusted, rotatedMs } = known();
    const { hosts, users } = trusted.length > 1 ? left(fingerprint) : { hosts: [], users: [] };
    const at = rotatedMs();
    return {
      authorities: trusted.map((one, i) => ({ fingerprint: fingerprintOf(one), signs: i === 0, untilMs: Date.parse(one.validTo) })),
      ...(at !== undefined && { rotatedMs: at }),
      hosts: hosts.map(({ host }) => host).toSorted(),
      users: users.map(({ name }) => name).toSorted(),
    };
  }

  /** What the CA before has signed counts no more. Each record is read when it is written: somebody may be removed, revoked or certified meanwhile. */
  async function withoutOld(fingerprint: string): Promise<void> {
    for (const [key] of ledger.list(keys.certificates)) {
      const one = ledger.get<CertificateRecord>(key);
      if (one === undefined || one.ca === fingerprint || one.serials.length === 0) continue;
      await ledger.commit([{ kind: 'put', key, value: { ...one, serials: [] } }]);
    }
    for (const [key] of ledger.list(keys.users)) {
      const one = ledger.get<UserRecord>(key);
      const certificates = one?.certificates.filter(({ ca: by }) => by === fingerprint) ?? [];
      if (one === undefined || certificates.length === one.certificates.length) continue;
      await ledger.commit([{ kind: 'put', key, value: { ...one, certificates } }]);
    }
  }

  return {
    report,
    async rotate() {
      await known().rotate();
      log.warn({ ca: known().fingerprint }, 'another CA signs from now on; the one before is trusted until "arpanet ca finish"');
      await spread();
      return report();
    },
    async finish(isForced) {
      const { trusted, fingerprint, finish } = known();
      if (trusted.length < 2) throw new ArpanetError('conflict', 'one CA alone is trusted: there is no rotation to finish');
      const { hosts, users } = left(fingerprint);
      if (!isForced && hosts.length + users.length > 0) throw new ArpanetError('conflict', stillNeeded(hosts, users));
      await withoutOld(fingerprint);
      await finish();
      log.warn({ ca: fingerprint, at: new Date(now()).toISOString() }, 'the CA before is trusted no more');
      await spread();
      for (const { host } of hosts)
        disconnect(host, 'the CA of its certificate is trusted no more: it joins again by the token that "arpanet token" prints');
      return report();
    },
  };
}

function stillNeeded(hosts: readonly CertificateRecord[], users: readonly UserRecord[]): string {
  const some = (names: readonly string[]): string =>
    `${names.toSorted().slice(0, NAMED).join(', ')}${names.length > NAMED ? ` and ${names.length - NAMED} more` : ''}`;
  const parts = [
    ...(hosts.length === 0 ? [] : [`hosts (they renew by themselves when they are connected): ${some(hosts.map(({ host }) => host))}`]),
    ...(users.length === 0 ? [] : [`users ("arpanet user renew NAME"): ${some(users.map(({ name }) => name))}`]),
  ];
  return `the CA before is needed still, by ${parts.join('; ')}. With --force their certificates count no more`;
}
