/** Chooses a host: filters, then scores, and keeps everything that it was decided by. Pure. */
import type { Placement, Refusal } from '../../model/index.ts';
import { FILTERS } from './filters/index.ts';
import { candidatesFor } from './candidates.ts';
import type { HostPool } from './host-pool.ts';
import { lendersElsewhere } from './lenders.ts';
import { usageOf } from './load.ts';
import { countByRule, examplesOf, REFUSED_KEPT } from './kept-decision.ts';
import { averageOf, score } from './scores.ts';
import { type GroupCounts, groupCounts, spreadRanks } from './spread.ts';
import type { HostSnapshot, PlacementOptions, PlacementRequest } from './snapshot.ts';

/** `counts`: of all hosts, where `hosts` are only some of them. */
export function place(
  request: PlacementRequest,
  hosts: readonly HostSnapshot[],
  options: PlacementOptions,
  counts: GroupCounts = groupCounts(request, hosts),
): Placement {
  const filters = FILTERS.filter((filter) => filter.applies(request));
  let fits: HostSnapshot[] = [];
  const refusing: Refusing[] = [];
  for (const host of hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const filter = filters.find((candidate) => !candidate.accepts(request, host));
    if (filter === undefined) fits.push(host);
    else refusing.push({ host: host.name, rule: filter.rule, why: () => filter.explain(request, host) });
  }
  const answering = fits.filter((host) => host.isSilent !== true);
  if (answering.length > 0 && answering.length < fits.length) {
    const silent = fits.filter((host) => host.isSilent === true);
    const why = () => 'it does not answer now, and others fit';
    refusing.push(...silent.map(({ name }) => ({ host: name, rule: 'answers', why })));
    fits = answering;
  }
  const { examples = Number.POSITIVE_INFINITY, others } = options;
  const all = [...(others?.values() ?? [])].reduce((sum, number) => sum + number, refusing.length);
  const refused = examplesOf(refusing, examples).map(({ host, rule, why }): Refusal => ({ host, rule, why: why() }));
  const counted = refused.length < all ? countByRule(refusing, others) : undefined;
  if (fits.length === 0)
    return { kind: 'refused', message: refusal(request, hosts, refused, all), refused, ...(counted && { counts: counted }) };

  const average = averageOf(fits.map((host) => usageOf(host, request, options.nowMs)));
  const holders = request.imageHosts;
  const ranks = spreadRanks(request, counts, fits);
  const scored = fits
    .map((host) => {
      const draw = options.random();
      return { scored: score(request, host, { average, spread: ranks.get(host.name), holders }, options, draw), draw };
    })
    .toSorted((a, b) => b.scored.score - a.scored.score || b.draw - a.draw)
    .map((one) => one.scored);
  const host = scored[0]?.host ?? '';
  const numbers = counted && { counts: { fit: fits.length, refused: counted } };
  return { kind: 'placed', decision: { host, strategy: options.strategy, atMs: options.nowMs, scored, refused, ...numbers } };
}

/** A refusal that has not been put into words yet. */
interface Refusing {
  readonly host: string;
  readonly rule: string;
  readonly why: () => string;
}

/** `isLast`: others come first; `also`: names of hosts to look at in any case. */
export function placeIn(
  request: PlacementRequest,
  pool: HostPool,
  options: PlacementOptions,
  isLast: (host: HostSnapshot) => boolean,
  also: readonly string[],
): Placement {
  const bounded = { ...options, examples: REFUSED_KEPT };
  const seen = (host: HostSnapshot): HostSnapshot => (host.isSilent !== true && isLast(host) ? { ...host, isSilent: true } : host);
  const sample = candidatesFor(request, pool, options, (host) => host.isSilent === true || isLast(host), also);
  if (sample !== undefined) {
    const { hosts, counts, others } = sample;
    const placement = place(request, hosts.map(seen), { ...bounded, ...(others && { others }) }, counts);
    if (placement.kind === 'placed') return { ...placement, decision: { ...placement.decision, among: pool.size() } };
    if (others !== undefined) return placement;
  }
  return place(request, pool.all().map(seen), bounded);
}

function refusal(request: PlacementRequest, hosts: readonly HostSnapshot[], refused: readonly Refusal[], all: number): string {
  const shown = examplesOf(refused);
  const more = shown.length < all ? `; and ${all - shown.length} more hosts` : '';
  const reasons = `${shown.map(({ host, why }) => `${host}: ${why}`).join('; ')}${more}`;
  if (hosts.length === 0) return 'no host fits: no host has joined the cluster yet; start an agent with `arpanet agent --join …`';
  if (hosts.every((host) => host.state !== 'alive')) return `no host is alive (${reasons})`;
  return `no host fits: ${apart(request, hosts) ?? reasons}`;
}

/** Set when the request binds itself to more than one host, which no host can satisfy: that is the reason, whatever else each host lacks. */
function apart(request: PlacementRequest, hosts: readonly HostSnapshot[]): string | undefined {
  const pins = [
    ...request.mustBeWith.map(({ container, host, because }) => ({ host, what: `container ${container} (${because})` })),
    ...request.volumesAt.map(({ volume, host }) => ({ host, what: `volume ${volume}` })),
  ].filter(({ host }) => host !== undefined);
  if (new Set(pins.map((pin) => pin.host)).size < 2) return undefined;
  return `it must share a host with ${pins.map(({ what, host }) => `${what} on ${host ?? ''}`).join(' and ')}${whatToDo(request, hosts, pins[0]?.host)}`;
}

function whatToDo(request: PlacementRequest, hosts: readonly HostSnapshot[], host: string | undefined): string {
  const { mustBeWith, volumesAt } = request;
  const lenders = lendersElsewhere(request, hosts);
  if (lenders !== undefined)
    return `: remove ${lenders.containers.join(' and ')} and create it again (docker compose rm -sf, up): for ten minutes it is placed on ${lenders.host}`;
  const volumes = volumesAt.filter((volume) => volume.host !== undefined);
  if (mustBeWith.length === 0)
    return ': copy the data of a volume to a new one on the other host, or remove one whose data can be made again (docker volume rm)';
  return volumes.length === 0 ? `: create them again on one host (-e constraint:node==${host ?? ''})` : '';
}
