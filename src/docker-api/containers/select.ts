/**
 * Which containers `GET /containers/json` shows, and in which order: moby's `reduceContainers` over plain facts.
 * https://github.com/moby/moby/blob/v26.1.5/daemon/list.go
 */
import { ArpanetError } from '../../model/index.ts';
import { type Filters, invalidFilter } from '../reads/filters.ts';
import { atoi, boolValue, engineError, strconvError } from '../json/go-values.ts';
import { apiMinor } from '../../text/api-version.ts';
import { withoutSlash } from '../../text/names.ts';
import { isIdPrefix } from '../../text/references.ts';

/** What filters look at. */
export interface Selectable {
  readonly id: string;
  /** With the leading slash. */
  readonly names: readonly string[];
  /** Sorts by creation time. */
  readonly createdKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isRunning: boolean;
  readonly wasStarted: boolean;
  readonly state: string;
  readonly exitCode: number;
  readonly health: string;
  readonly mounts: readonly { readonly Name?: string; readonly Source?: string; readonly Destination?: string }[];
  /** Network ids by name. */
  readonly networks: ReadonlyMap<string, string>;
  readonly ports: readonly { readonly PrivatePort: number; readonly PublicPort?: number; readonly Type: string }[];
  readonly imageId: string;
  /** The host that it is on; classic Swarm's filter `node`. */
  readonly host: string;
}

export interface Selection {
  readonly all: boolean;
  /** 0: no limit. */
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
}

const accepted = 'ancestor before exited expose health id is-task isolation label name network node publish since status volume'.split(' ');
const states = ['paused', 'restarting', 'removing', 'running', 'dead', 'created', 'exited'];
const healths = ['starting', 'healthy', 'unhealthy', 'none'];
const knownStates = 'created, running, paused, restarting, removing, exited, dead';
const knownHealths = 'none, starting, healthy, unhealthy';

const invalidValue = (filter: string, what: string, value: string, known: string): ArpanetError =>
  new ArpanetError('invalid', `invalid filter '${filter}=${value}': invalid value for ${what} (${value}): must be one of ${known}`);

/** Throws what the Engine of that API version answers for a value that it does not know: since 28.0 (1.48) it says what it knows. */
export function parseSelection(query: URLSearchParams, filters: Filters, apiVersion: string): Selection {
  const isTalkative = apiMinor(apiVersion) >= 48;
  filters.only(...accepted);
  for (const value of filters.get('exited')) {
    if (atoi(value) === undefined) throw new ArpanetError('invalid', `invalid filter 'exited=${value}': ${strconvError('Atoi', value)}`);
  }
  for (const value of filters.get('status')) {
    if (!states.includes(value)) throw isTalkative ? invalidValue('status', 'state', value, knownStates) : invalidFilter('status', value);
  }
  for (const value of filters.get('health')) {
    if (healths.includes(value)) continue;
    if (isTalkative) throw invalidValue('health', 'health', value, knownHealths);
    throw new ArpanetError('invalid', `unrecognized filter value for health: ${value}`);
  }
  if (filters.has('is-task') && !filters.exact('is-task', 'true') && !filters.exact('is-task', 'false')) {
    throw invalidFilter('is-task', filters.get('is-task'));
  }
  const limitText = query.get('limit') ?? '';
  const limit = limitText === '' ? 0 : atoi(limitText);
  if (limit === undefined) throw engineError(strconvError('Atoi', limitText));
  const all = boolValue(query.get('all')) || filters.get('status').length > 0;
  return { all, limit: Math.max(limit, 0), size: boolValue(query.get('size')), filters };
}

/**
 * The containers to show, newest first. `imagesOf` gives the ids of an image and of all images built on it, empty when unknown.
 * Throws `not-found` when `before` or `since` names no container.
 */
export function selectContainers<T extends Selectable>(
  containers: readonly T[],
  selection: Selection,
  imagesOf: (reference: string) => Iterable<string>,
): readonly T[] {
  const { filters, limit } = selection;
  let rest = [...containers].sort(newestFirst);
  const before = filters.get('before').at(-1);
  const since = filters.get('since').at(-1);
  if (before !== undefined) rest = rest.slice(indexOf(rest, before) + 1);
  // the Engine walks from new to old and stops at `since`; one that precedes `before` is never met
  if (since !== undefined) {
    const end = rest.indexOf(containers[indexOf(containers, since)] as T);
    if (end >= 0) rest = rest.slice(0, end);
  }
  const rules = rulesOf(containers, selection, imagesOf);
  const shown: T[] = [];
  for (const container of rest) {
    if (limit > 0 && shown.length === limit) break;
    if (rules.every((rule) => rule(container))) shown.push(container);
  }
  return shown;
}

type Rule = (container: Selectable) => boolean;

function rulesOf(containers: readonly Selectable[], selection: Selection, imagesOf: (reference: string) => Iterable<string>): Rule[] {
  const { filters } = selection;
  const rules: Rule[] = [];
  const when = (key: string, rule: () => Rule) => {
    if (filters.has(key)) rules.push(rule());
  };
  if (!selection.all && selection.limit === 0) rules.push((c) => c.isRunning);
  when('id', () => {
    const meant = filters.get('id').flatMap((prefix) => uniqueByPrefix(containers, prefix));
    return (c) => meant.includes(c.id) || filters.get('id').length === 0;
  });
  when('name', () => (c) => c.names.some((name) => filters.match('name', name) || filters.match('name', name.slice(1))));
  // no container belongs to a swarm task
  when('is-task', () => () => filters.exact('is-task', 'false'));
  when('label', () => (c) => filters.labels('label', c.labels));
  when('exited', () => {
    const codes = filters.get('exited').map(Number);
    return (c) => codes.length === 0 || (!c.isRunning && c.wasStarted && codes.includes(c.exitCode));
  });
  when('status', () => (c) => filters.match('status', c.state));
  when('health', () => (c) => filters.exact('health', c.health));
  when('volume', () => (c) => filters.get('volume').some((volume) => c.mounts.some((mount) => isMount(mount, volume))));
  when('node', () => (c) => filters.exact('node', c.host));
  when('ancestor', () => {
    const images = new Set(filters.get('ancestor').flatMap((reference) => [...imagesOf(reference)]));
    return (c) => images.has(c.imageId);
  });
  when('network', () => (c) => filters.get('network').some((wanted) => isOnNetwork(c, wanted)));
  const publish = portsOf('publish', filters);
  const expose = portsOf('expose', filters);
  if (publish.size + expose.size > 0) {
    rules.push((c) => c.ports.some((p) => publish.has(`${p.PublicPort ?? 0}/${p.Type}`) || expose.has(`${p.PrivatePort}/${p.Type}`)));
  }
  return rules;
}

function newestFirst(a: Selectable, b: Selectable): number {
  if (a.createdKey !== b.createdKey) return a.createdKey < b.createdKey ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

function indexOf(containers: readonly Selectable[], reference: string): number {
  const name = `/${withoutSlash(reference)}`;
  const byId = containers.findIndex((c) => c.id === reference);
  const found = byId >= 0 ? byId : containers.findIndex((c) => c.names.includes(name));
  if (found < 0) throw new ArpanetError('not-found', `No such container: ${reference}`);
  return found;
}

function uniqueByPrefix(containers: readonly Selectable[], prefix: string): readonly string[] {
  const found = containers.filter((c) => isIdPrefix(prefix, c.id));
  return found.length === 1 ? found.map((c) => c.id) : [];
}

function isMount(mount: Selectable['mounts'][number], volume: string): boolean {
  return (mount.Name ? mount.Name : mount.Source) === volume || (mount.Destination !== '' && mount.Destination === volume);
}

function isOnNetwork(container: Selectable, wanted: string): boolean {
  return container.networks.has(wanted) || [...container.networks.values()].some((id) => id.startsWith(wanted));
}

/** `80`, `80/udp`, `8000-8010/tcp` as `port/protocol` each. */
function portsOf(key: 'publish' | 'expose', filters: Filters): ReadonlySet<string> {
  const ports = new Set<string>();
  for (const value of filters.get(key)) {
    if (value.includes(':')) throw engineError(`filter for '${key}' should not contain ':': ${value}`);
    const [range = '', protocol = 'tcp'] = value.split('/');
    const fail = (why: string) => engineError(`error while looking up for ${key} ${value}: ${why}`);
    if (range === '') throw fail('empty string specified for ports.');
    const [start = Number.NaN, end = start] = range.split('-', 2).map((part) => {
      if (!/^\d+$/.test(part) || Number(part) > 65_535) throw fail(strconvError('ParseUint', part));
      return Number(part);
    });
    if (end < start) throw fail(`Invalid range specified for the Port: ${range}`);
    for (let port = start; port <= end; port++) ports.add(`${port}/${protocol === '' ? 'tcp' : protocol.toLowerCase()}`);
  }
  return ports;
}
