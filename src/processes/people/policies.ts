/** What each role has to obey, as it is kept in the store. Effects: the ledger. */
import type { People } from '../../contracts/index.ts';
import { ArpanetError, keys, type PolicyRecord } from '../../model/index.ts';
import { type Policies, shownPolicy } from '../../operator-api/index.ts';
import { createProblems, policyFor, refuseNetwork, refuseVolume } from '../../security/index.ts';
import type { Ledger } from '../../store/index.ts';

export interface PoliciesDeps {
  readonly ledger: Pick<Ledger, 'get' | 'commit' | 'unreadable'>;
  readonly now: () => number;
  /** Whether an image is in the cluster. */
  readonly isHere: (image: string) => boolean;
}

const ROLES_WITH_POLICY = ['deployer', 'operator'] as const;

export function createPolicies({ ledger, now, isHere }: PoliciesDeps): Policies & Pick<People, 'policy'> {
  const policy: People['policy'] = (role) => {
    const key = keys.policy(role);
    const record = ledger.get<PolicyRecord>(key);
    // a role whose limits nobody knows makes nothing
    if (record === undefined && ledger.unreadable().some((one) => one.key === key))
      throw new ArpanetError('unavailable', `the policy for ${role}s in the store cannot be read: "arpanet policy set" writes another`);
    return policyFor(role, record?.rules);
  };
  return {
    policy,
    shown: () =>
      Object.fromEntries(
        ROLES_WITH_POLICY.flatMap((role) => {
          const found = policy(role);
          return found === undefined ? [] : [[role, shownPolicy(found)]];
        }),
      ),
    async set(given) {
      const changedAtMs = now();
      await ledger.commit(
        ROLES_WITH_POLICY.map((role) => {
          const rules = given[role];
          const key = keys.policy(role);
          return rules === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: { role, rules, changedAtMs } };
        }),
      );
    },
    test({ role, given, creates, volumes, networks }) {
      const asked = given === undefined ? policy(role) : policyFor(role, given[role]);
      if (asked === undefined) return [];
      const refused = [
        ...creates.map(({ name, request }) => ({ name, problems: createProblems(asked, request, isHere) })),
        ...volumes.map((one) => ({ name: `volume ${one.Name ?? ''}`, problems: listed(refuseVolume(asked, one.Driver, one.DriverOpts)) })),
        ...networks.map((one) => ({ name: `network ${one.Name ?? ''}`, problems: listed(refuseNetwork(asked, one.Driver, one.Options)) })),
      ];
      return refused.filter(({ problems }) => problems.length > 0);
    },
  };
}

const listed = (problem: string | undefined): readonly string[] => (problem === undefined ? [] : [problem]);
