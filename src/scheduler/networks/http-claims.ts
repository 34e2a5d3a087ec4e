/** A name by which HTTP reaches a service is that one's in the whole cluster: who asks for it second is refused at the create. */
import { ArpanetError, canaryOf, type ContainerRecord, type CreateRequest, labels, type NetworkRecord } from '../../model/index.ts';
import { isPassedOn } from '../../networks/index.ts';
import { httpOf } from '../../text/http-label.ts';
import type { Core } from '../core.ts';
import { whoHas } from './who-has.ts';

interface Asking extends Pick<ContainerRecord, 'deployment' | 'service'> {
  /** Names of containers that will be gone then. */
  readonly replaced?: ReadonlySet<string>;
}

/** Throws `conflict` with who has it, and `unsupported` where no host answers clients. Looks at those that have the name, and no others. */
export function refuseTakenNames(
  { summaries, recordIndex }: Pick<Core, 'summaries' | 'recordIndex'>,
  asking: Asking,
  given: CreateRequest['Labels'],
): void {
  const claim = httpOf(given?.[labels.http]);
  if (claim === undefined) return;
  const pool = summaries.pool();
  if (pool.isAnyAlive() && !pool.isAnswered('http'))
    throw new ArpanetError(
      'unsupported',
      `no host answers for the names of label ${labels.http}: install haproxy on a host, and let its agent run with --http 80`,
    );
  for (const site of claim.sites) {
    const own = ownerOf(asking, given);
    const holder = recordIndex
      .withSite(site)
      .find((one) => ownerOf(one, one.request.Labels) !== own && asking.replaced?.has(one.name) !== true);
    if (holder !== undefined)
      throw new ArpanetError(
        'conflict',
        `HTTP name '${site.replace(/\/$/, '')}' is already in use by ${whoHas(asking, holder, ownerOf(holder, holder.request.Labels))}: give this one another name or path, or remove that one first`,
      );
  }
}

/** For the answer to a create: its client may connect it to another network yet. Pure. */
export function unreachedWarnings(
  given: CreateRequest['Labels'],
  networks: readonly { readonly record: NetworkRecord }[],
): readonly string[] {
  if (!given?.[labels.http] || networks.length === 0 || networks.some(({ record }) => isPassedOn(record))) return [];
  const names = networks.map(({ record }) => record.name).join(', ');
  return [
    `label ${labels.http}: hosts pass no calls on to containers on ${names} (internal, macvlan or ipvlan), so its names lead to this one once it is on another network, too`,
  ];
}

/** Whose a name is: an instance of a canary is one of the service that it is of. */
const ownerOf = ({ deployment, service }: Asking, given: CreateRequest['Labels']): string =>
  `${deployment}/${canaryOf(given?.[labels.canary])?.of ?? service}`;
