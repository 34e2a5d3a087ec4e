/**
 * Which containers a filtered list has to look at: all that can match, found by the cluster's indexes. What they show is compared afterwards (select). Pure.
 * https://github.com/moby/moby/blob/v26.1.5/daemon/list.go
 */
import type { ContainerQuery } from '../../contracts/index.ts';
import { labels } from '../../model/index.ts';
import type { Filters } from '../reads/filters.ts';
import { isReferenceTo } from '../../text/references.ts';
import type { NetworkIdentities } from './show.ts';

/** Those of containers that do not run. */
const NOT_RUNNING: readonly string[] = ['created', 'exited', 'dead', 'removing'];

/** Labels that a list adds. */
const SHOWN: ReadonlySet<string> = new Set([labels.host, labels.placement]);

/** `linkNames`: by the name of the container that a link leads to. Undefined: all are looked at. */
export function queryOf(
  filters: Filters,
  networks: NetworkIdentities,
  linkNames: ReadonlyMap<string, readonly string[]>,
): ContainerQuery | undefined {
  // They mean places among all.
  if (filters.has('before') || filters.has('since')) return undefined;
  const ofHost = `${labels.host}=`;
  const asked = filters.get('label');
  const own = asked.filter((label) => !SHOWN.has(label.split('=', 1)[0] ?? ''));
  const hosts = [...filters.get('node'), ...asked.flatMap((label) => (label.startsWith(ofHost) ? [label.slice(ofHost.length)] : []))];
  const status = filters.get('status');
  const statuses = status.length === 0 && filters.get('exited').length > 0 ? NOT_RUNNING : status;
  const names = filters.get('name');
  const isShown = (name: string): boolean => filters.match('name', name) || filters.match('name', name.slice(1));
  const isLinked = (name: string): boolean => linkNames.get(name)?.some(isShown) === true;
  // A plain word is looked for as such.
  const isMatch = names.every((one) => /^[\w-]+$/.test(one))
    ? (name: string) => names.some((one) => name.includes(one))
    : (name: string) => isShown(`/${name}`);
  const isName = (name: string): boolean => isMatch(name) || isLinked(name);
  const wanted = filters.get('network');
  const isNetwork = (name: string): boolean => {
    const shown = networks.get(name);
    // The id of one that is an Engine's own is known to its containers alone.
    return shown === undefined || wanted.some((one) => isReferenceTo(one, shown));
  };
  return {
    ids: filters.get('id'),
    labels: own,
    statuses,
    hosts,
    ...(names.length > 0 && { isName }),
    ...(wanted.length > 0 && !wanted.includes('') && { isNetwork }),
  };
}
