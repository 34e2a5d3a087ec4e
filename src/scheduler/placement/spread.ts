/**
 * Placement preferences: a service's instances are spread evenly over the values of host labels, the first key before the second. Pure.
 * Label `arpanet.spread`: a JSON list, or parted by commas, of `node.labels.zone`. A host without the label is in a group with all such hosts.
 * Source: swarmkit manager/scheduler/nodeset.go, `tree`; Docker API v1.30, `Placement.Preferences`.
 */
import { ArpanetError, type CreateRequest, labels } from '../../model/index.ts';
import { parseListLabel } from '../../text/list-label.ts';
import { valueOf } from './filters/constraint.ts';
import { matesOn } from './load.ts';
import type { HostSnapshot, PlacementRequest } from './snapshot.ts';

/** The keys, in order. Throws `invalid` for a label that cannot be read. */
export function spreadKeys(request: Pick<CreateRequest, 'Labels'>): readonly string[] {
  const label = request.Labels?.[labels.spread];
  if (!label?.trim()) return [];
  const keys = parseListLabel(label)?.map((key) => key.trim());
  const bad = keys?.find((key) => !/^(?:node|engine)\.labels\../.test(key));
  if (keys === undefined || bad !== undefined)
    throw new ArpanetError(
      'invalid',
      `label ${labels.spread} is "${label.slice(0, 80)}": it must be a list of host labels, like node.labels.zone`,
    );
  return keys;
}

/** Instances of the request's service in each group of hosts. */
export type GroupCounts = ReadonlyMap<string, number>;

/** `hosts`: all that have some of it, also those that do not fit. */
export function groupCounts(request: PlacementRequest, hosts: Iterable<HostSnapshot>): GroupCounts {
  const keys = request.spreadOver ?? [];
  const counts = new Map<string, number>();
  if (keys.length === 0) return counts;
  for (const host of hosts) {
    const same = matesOn(host, request);
    for (const group of groupsOf(host, keys)) counts.set(group, (counts.get(group) ?? 0) + same);
  }
  return counts;
}

/** How many groups are to be preferred to a host's, by its name: 0 for those with the fewest instances of the service. */
export function spreadRanks(request: PlacementRequest, counts: GroupCounts, fits: readonly HostSnapshot[]): ReadonlyMap<string, number> {
  const keys = request.spreadOver ?? [];
  if (keys.length === 0) return new Map();
  const counted = fits.map((host) => ({ name: host.name, counts: countsIn(groupsOf(host, keys), counts) }));
  const inOrder = counted.toSorted((a, b) => compareGroups(a.counts, b.counts));
  const ranks = new Map<string, number>();
  let rank = 0;
  for (const [i, one] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before !== undefined && compareGroups(before.counts, one.counts) !== 0) rank++;
    ranks.set(one.name, rank);
  }
  return ranks;
}

export const countsIn = (groups: readonly string[], counts: GroupCounts): readonly number[] =>
  groups.map((group) => counts.get(group) ?? 0);

/** The groups that a host is in, from the widest: of the first key, of the first and the second. */
export function groupsOf(host: HostSnapshot, keys: readonly string[]): readonly string[] {
  const values = keys.map((key) => valueOf(key, host) ?? '');
  return keys.map((_, i) => JSON.stringify(values.slice(0, i + 1)));
}

export function compareGroups(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((count, i) => count !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
