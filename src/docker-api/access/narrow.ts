/** A cluster as somebody with a role has it, for what is not Docker's API. */
import type { Cluster } from '../../contracts/index.ts';
import type { Identity } from '../../security/index.ts';
import { policedBy, policedCluster, type PolicyOf } from './policed.ts';
import { type Scoped, scopedCluster } from './scoped-cluster.ts';

/** What somebody has of a cluster; `scope`: how it is limited to deployments, for who is. */
export interface Narrow {
  readonly cluster: Cluster;
  readonly scope?: Scoped;
}

/** Of who is limited to deployments these alone; what is made obeys the policy of the role. Throws `unavailable` where that cannot be read. */
export function narrowCluster(all: Cluster, identity: Identity, policyOf: PolicyOf): Narrow {
  if (identity.deployments !== undefined) {
    const scope = scopedCluster(all, identity, policyOf);
    return { cluster: scope.cluster, scope };
  }
  return { cluster: policyOf(identity.role) === undefined ? all : policedCluster(all, policedBy(identity, policyOf, all)) };
}
