/**
 * The host's search list, where its resolv.conf or dockerd sets `ndots`. A container does not get that option: its Engine's resolver would forward no name of one
 * label (moby libnetwork/resolver.go), so that resolvers without a search list found nobody. Resolvers that do not search without it (musl) are answered here. Pure.
 */

export interface SearchList {
  readonly domains: readonly string[];
  /** Names with fewer dots are searched before they are asked for as they are; 0: none is. */
  readonly ndots: number;
}

/** What resolvers take of each (resolv.conf(5)). */
const MOST_NDOTS = 15;
const MOST_DOMAINS = 6;
const LONGEST_NAME = 253;

/** The list that a host's settings say. */
export function searchListOf({
  search,
  options = [],
}: {
  readonly search: readonly string[];
  readonly options?: readonly string[];
}): SearchList {
  const set = options.flatMap((option) => /^ndots:(\d{1,3})$/.exec(option)?.[1] ?? []).map(Number);
  const usable = search.map((domain) => domain.toLowerCase().replace(/\.$/, '')).filter((domain) => /^[a-z0-9_.-]+$/.test(domain));
  return { domains: usable.slice(0, MOST_DOMAINS), ndots: Math.min(set.at(-1) ?? 0, MOST_NDOTS) };
}

/** The names that are asked for before this one. */
export function candidates(name: string, { domains, ndots }: SearchList): readonly string[] {
  const dots = name.split('.').length - 1;
  if (name === '' || dots >= ndots || domains.some((domain) => name === domain || name.toLowerCase().endsWith(`.${domain}`))) return [];
  return domains.map((domain) => `${name}.${domain}`).filter((candidate) => candidate.length <= LONGEST_NAME);
}
