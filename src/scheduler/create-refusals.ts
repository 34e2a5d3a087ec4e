/** What no create gets, whichever host would take it: a create and its rehearsal refuse the same. Reads the ledger and the view. */
import type { CreateRequest } from '../model/index.ts';
import type { Core } from './core.ts';
import { refuseClaimed, refuseClusterPorts } from './networks/ingress-claims.ts';
import { refuseMounts } from './volumes/mount-rules.ts';
import type { Volumes } from './volumes/volumes.ts';
import { refuseNetworks } from './create/claim-addresses.ts';
import type { Identity } from './create/identify.ts';
import { filledIn } from './create/templates.ts';

/** A create of which no host is chosen yet. */
export interface Asked {
  readonly identity: Identity;
  readonly request: CreateRequest;
  /** It is made again in the place of a lost one: what that had is not asked for again. */
  readonly isReplacement: boolean;
  /** Names of networks that will exist then. */
  readonly planned?: ReadonlySet<string>;
  /** Names of containers that will be gone then. */
  readonly replaced?: ReadonlySet<string>;
}

/** Networks that do not exist or do not serve; ports and names that are the cluster's or another service's. Throws `invalid`, `conflict`, `unsupported`. */
export function refuseAsked(
  core: Pick<Core, 'deps' | 'view' | 'summaries' | 'recordIndex'>,
  { identity, request, isReplacement, planned, replaced }: Asked,
): void {
  refuseNetworks(core.deps, identity, isReplacement ? {} : request.Labels, planned);
  if (!isReplacement) refuseClusterPorts(core, request.Labels);
  refuseClaimed(core, { ...identity, ...(replaced && { replaced }) }, request.Labels);
}

/** Mounts that no Engine takes. Throws `invalid`. */
export function refuseAskedMounts(volumes: Pick<Volumes, 'find'>, identity: Identity, request: CreateRequest): void {
  refuseMounts(filledIn(request, { ...identity, nonce: '' }), (volume) => volumes.find(volume) !== undefined);
}
