/** The users of the cluster. Effects: the ledger; certificates of the cluster's CA. */
import { X509Certificate } from 'node:crypto';
import { hint } from '../../config/nearest.ts';
import type { People } from '../../contracts/index.ts';
import { createPolicies, type PoliciesDeps } from './policies.ts';
import { ArpanetError, keys, type UserCertificate, type UserRecord } from '../../model/index.ts';
import type { Policies, UserRequest, Users, UserReport } from '../../operator-api/index.ts';
import { type CertificateAuthority, type Client, fingerprintOf, ROLES, type Role } from '../../security/index.ts';
import type { Ledger } from '../../store/index.ts';

const DAY_MS = 86_400_000;
const DEFAULT_TTL_MS = 90 * DAY_MS;
const LONGEST_TTL_MS = 825 * DAY_MS;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

interface PeopleDeps extends PoliciesDeps {
  readonly ledger: PoliciesDeps['ledger'] & Pick<Ledger, 'list' | 'watch'>;
  /** Undefined: this cluster has none, and users have certificates of the operator's own. */
  readonly ca: CertificateAuthority | undefined;
}

export function createPeople({ ledger, ca, now, isHere }: PeopleDeps): People & Users & Policies {
  const policies = createPolicies({ ledger, now, isHere });
  const isOurs = ({ issuer, serial }: Client): boolean => {
    if (serial !== undefined) return true;
    const known = ca?.trusted.map(fingerprintOf) ?? [];
    // who says nothing of its issuer is not taken for the operator's own
    return known.length > 0 && (issuer === '' || known.includes(issuer));
  };
  const recordOf = (name: string): UserRecord => {
    const record = ledger.get<UserRecord>(keys.user(name));
    if (record !== undefined && record.removedAtMs === undefined) return record;
    const all = list().map((user) => user.name);
    throw new ArpanetError('not-found', `no such user: ${name}; ${hint(name, all, 'there are none: "arpanet user add"')}`);
  };
  const list = (): readonly UserReport[] =>
    ledger.list<UserRecord>(keys.users).flatMap(([, record]) => (record.removedAtMs === undefined ? [reportOf(record)] : []));

  let areLimited: boolean | undefined;
  ledger.watch(keys.users, () => (areLimited = undefined));

  async function put(record: UserRecord): Promise<UserReport> {
    await ledger.commit([{ kind: 'put', key: keys.user(record.name), value: record }]);
    return reportOf(record);
  }

  async function certified(name: string, publicKey: string | undefined, ttlMs: number) {
    if (publicKey === undefined) return undefined;
    if (ca === undefined)
      throw new ArpanetError('invalid', `this cluster has no CA of its own: it seals nothing in its store (--cluster-key)`);
    const { certificate, ca: signer } = await ca.issue({ publicKey, commonName: name, kind: 'client', names: [], ttlMs });
    const parsed = new X509Certificate(certificate);
    const noted: UserCertificate = { fingerprint: fingerprintOf(parsed), toMs: Date.parse(parsed.validTo), ca: signer };
    return { certificate, ca: ca.bundle, noted };
  }

  return {
    ...policies,
    identify(client) {
      const { user, fingerprint, kind } = client;
      const key = keys.user(user);
      const record = ledger.get<UserRecord>(key);
      const isOwnCa = isOurs(client);
      // no CA of an operator writes that: a process of the cluster is nobody's administrator, whatever is said of its issuer
      if (kind === 'host' || kind === 'scheduler')
        throw new ArpanetError('unauthorized', `the cluster knows no user "${user}": this is the certificate of a ${kind}`);
      if (record === undefined) {
        if (!isOwnCa && !ledger.unreadable().some((one) => one.key === key)) return undefined;
        throw new ArpanetError('unauthorized', `the cluster knows no user "${user}"`);
      }
      if (record.removedAtMs !== undefined) throw new ArpanetError('unauthorized', `the user "${user}" was removed`);
      const certificate = record.certificates.find((one) => one.fingerprint === fingerprint);
      if (isOwnCa && (certificate === undefined || kind !== 'client'))
        throw new ArpanetError('unauthorized', `this certificate of "${user}" does not count any more: another was issued`);
      if (certificate !== undefined && certificate.toMs < now())
        throw new ArpanetError('unauthorized', `the certificate of "${user}" was valid until ${new Date(certificate.toMs).toISOString()}`);
      const { name, role, deployments } = record;
      return { name, role, ...(deployments === undefined ? {} : { deployments }) };
    },
    areLimited: () => (areLimited ??= list().some(({ role }) => role === 'viewer' || role === 'deployer')),
    onChange(listener, signal) {
      ledger.watch(keys.users, () => {
        if (!signal.aborted) listener();
      });
    },
    list,
    async add(request) {
      const { name, role, deployments, ttlMs, publicKey } = checked(request);
      const before = ledger.get<UserRecord>(keys.user(name));
      if (before !== undefined && before.removedAtMs === undefined)
        throw new ArpanetError('conflict', `there is a user "${name}" already: "arpanet user renew ${name}" gives it another certificate`);
      const made = await certified(name, publicKey, ttlMs);
      const certificates = made === undefined ? [] : [made.noted];
      const record = { name, role, ...(deployments === undefined ? {} : { deployments }), certificates, createdAtMs: now() };
      return { user: await put(record), ...(made && { certificate: made.certificate, ca: made.ca }) };
    },
    async renew({ name = '', ttlMs = DEFAULT_TTL_MS, publicKey }) {
      recordOf(name);
      const made = await certified(name, publicKey, checkedTtl(ttlMs));
      if (made === undefined) throw new ArpanetError('invalid', 'the request\'s body has no "publicKey"');
      // who was removed meanwhile stays removed
      const record = recordOf(name);
      // the old one counts until it is over: its holder changes when there is time
      const certificates = [...record.certificates.filter(({ toMs }) => toMs > now()), made.noted];
      return { user: await put({ ...record, certificates }), certificate: made.certificate, ca: made.ca };
    },
    remove: async (name) => await put({ ...recordOf(name), certificates: [], removedAtMs: now() }),
  };
}

const reportOf = ({ name, role, deployments, certificates, createdAtMs }: UserRecord): UserReport => {
  const untilMs = certificates.reduce((latest, { toMs }) => Math.max(latest, toMs), 0);
  return { name, role, deployments: deployments ?? [], createdAtMs, ...(untilMs === 0 ? {} : { validUntilMs: untilMs }) };
};

function checked({ name = '', role = '', deployments = [], ttlMs = DEFAULT_TTL_MS, publicKey }: UserRequest) {
  if (!NAME.test(name))
    throw new ArpanetError(
      'invalid',
      `"${name}" cannot be the name of a user: 1 to 64 letters (a-z), digits and ".", "_", "@", "-", the first of them a letter or digit`,
    );
  const known: Role | undefined = ROLES.find((one) => one === role);
  if (known === undefined) throw new ArpanetError('invalid', `there is no role "${role}": ${hint(role, ROLES)}`);
  const given = [...new Set(deployments.filter((one) => one !== ''))];
  if (known === 'deployer' && given.length === 0) throw new ArpanetError('invalid', 'a deployer has deployments: --deployments abc,xyz');
  if ((known === 'operator' || known === 'admin') && given.length > 0)
    throw new ArpanetError('invalid', `the role ${known} is of all deployments: leave --deployments out`);
  return { name, role: known, deployments: given.length === 0 ? undefined : given, ttlMs: checkedTtl(ttlMs), publicKey };
}

function checkedTtl(ttlMs: number): number {
  if (ttlMs > 0 && ttlMs <= LONGEST_TTL_MS) return ttlMs;
  throw new ArpanetError('invalid', `--ttl is more than 0, and at most ${LONGEST_TTL_MS / DAY_MS} days`);
}
