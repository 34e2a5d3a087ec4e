/** What a scheduler that follows answers reads from (docs/decisions/0012). */
import type { Client } from '../security/index.ts';
import type { Cluster } from './cluster.ts';
import type { ReplicaIdentity } from './replica.ts';

/** At a follower: the view, for reads alone. What reads do not need, and what needs an Engine, throws `not-leader`. */
export interface ReplicaView {
  readonly cluster: Cluster;
  /** Of containers in which an exec was made. */
  readonly execs: Set<string>;
  /**
   * Resolves once the view shows all that any client had been answered before this call, with who the client is; undefined: that cannot be said
   * now, the leader is to be asked. Never rejects.
   */
  readonly now: (client: Client | undefined) => Promise<ReplicaIdentity | undefined>;
}
