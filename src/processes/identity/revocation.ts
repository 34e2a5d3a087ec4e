/** A host is cut off, and may come back. Effects: the membership's records, streams of agents, the copy of what the cluster is known by. */
import type { Scheduler } from '../../contracts/index.ts';
import type { IdentityCopy } from './identity-copy.ts';
import type { Membership } from './membership.ts';

interface RevocationDeps {
  readonly membership: Pick<Membership, 'revoke' | 'pardon' | 'whyRevoked'>;
  readonly agents: Pick<Scheduler['agents'], 'disconnect' | 'pushSettings'>;
  /** Undefined: nothing is sealed here. */
  readonly copy: Pick<IdentityCopy, 'keep'> | undefined;
}

/**
 * Its stream ends, and other hosts are notified, as soon as the record is written: the copy is kept in the background. The same for a host that was revoked before: the store may have failed
 * behind the record, and the command is repeated. Throws as `Membership.revoke`.
 */
export async function revokeHost(host: string, { membership, agents, copy }: RevocationDeps): Promise<void> {
  try {
    await membership.revoke(host);
  } finally {
    const why = membership.whyRevoked(host);
    if (why !== undefined) {
      agents.disconnect(host, why);
      agents.pushSettings();
      copy?.keep();
    }
  }
}

/** Throws as `Membership.pardon`. */
export async function readmitHost(host: string, { membership, copy }: Pick<RevocationDeps, 'membership' | 'copy'>): Promise<void> {
  await membership.pardon(host);
  copy?.keep();
}
