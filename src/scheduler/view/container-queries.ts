/**
 * Containers by what lists ask for. A kind of question is indexed when it is asked first, and kept up to date from then on by the containers that changed: so
 * a look costs as much as it finds, and what nobody asks for costs nothing. Pure.
 */
import type { ContainerQuery } from '../../contracts/index.ts';
import type { ContainerView } from '../../model/index.ts';
import { withoutSlash } from '../../text/names.ts';
import { isIdPrefix } from '../../text/references.ts';

export interface ContainerQueries {
  /** It came, went or changed. */
  readonly changed: (id: string) => void;
  /** As the contract says. */
  readonly matching: (query: ContainerQuery) => readonly ContainerView[] | undefined;
  /** Ids that begin so. */
  readonly withPrefix: (prefix: string) => Iterable<string>;
}

export interface IndexedContainers {
  readonly containers: () => readonly ContainerView[];
  readonly byId: (id: string) => ContainerView | undefined;
}

interface Kind {
  readonly valuesOf: (container: ContainerView) => readonly string[];
  /** Of each container that has any. */
  readonly values: Map<string, readonly string[]>;
  readonly ids: Map<string, Set<string>>;
}

interface Way {
  /** How many entries it walks. */
  readonly cost: number;
  /** Lists of ids. */
  readonly find: () => readonly Iterable<string>[];
}

/** Keys of labels that are indexed at once: clients filter by few. */
const MOST_LABELS = 16;
/** So many changes wait for the next question; more are entered at once. */
const MOST_CHANGED = 1_000;
/** Ids are kept by their first characters: of 30,000 some seven have the same. */
const PREFIX = 3;

export function createContainerQueries(all: IndexedContainers): ContainerQueries {
  const kinds = new Map<string, Kind>();
  let changed = new Set<string>();

  function enter(kind: Kind, id: string): void {
    const container = all.byId(id);
    const before = kind.values.get(id) ?? [];
    const now = container === undefined ? [] : readable(kind, container);
    if (before.length === now.length && before.every((value, place) => value === now[place])) return;
    for (const value of before) {
      const ids = kind.ids.get(value);
      ids?.delete(id);
      if (ids?.size === 0) kind.ids.delete(value);
    }
    if (now.length === 0) kind.values.delete(id);
    else kind.values.set(id, now);
    for (const value of now) kind.ids.set(value, (kind.ids.get(value) ?? new Set()).add(id));
  }

  function settle(): void {
    if (changed.size === 0) return;
    const ids = changed;
    changed = new Set();
    for (const kind of kinds.values()) for (const id of ids) enter(kind, id);
  }

  function kindOf(name: string, valuesOf: Kind['valuesOf']): Kind {
    settle();
    const known = kinds.get(name);
    if (known !== undefined) return known;
    const labels = [...kinds.keys()].filter((one) => one.startsWith('label '));
    if (name.startsWith('label ') && labels.length === MOST_LABELS) kinds.delete(labels[0] ?? '');
    const made: Kind = { valuesOf, values: new Map(), ids: new Map() };
    kinds.set(name, made);
    for (const { id } of all.containers()) enter(made, id);
    return made;
  }

  /** Ways to find all that can match. */
  function waysFor({ ids = [], labels = [], statuses = [], hosts = [], networks = [], isName, isNetwork }: ContainerQuery): readonly Way[] {
    const anyOf = ({ ids: known }: Kind, values: readonly string[]): Way => {
      const sets = values.flatMap((value) => known.get(value) ?? []);
      return { cost: sets.reduce((total, { size }) => total + size, 0), find: () => sets };
    };
    const where = ({ ids: known }: Kind, is: (value: string) => boolean): Way => ({
      cost: known.size,
      find() {
        const sets: ReadonlySet<string>[] = [];
        for (const [value, found] of known) if (is(value)) sets.push(found);
        return sets;
      },
    });
    if (ids.length > 0) return [{ cost: 0, find: () => ids.map(withPrefix) }];
    return [
      ...labels.map((label) => {
        const [, key = label, value] = /^([^=]*)=(.*)$/s.exec(label) ?? [];
        const kind = kindOf(`label ${key}`, ({ facts }) =>
          Object.hasOwn(facts.summary.Labels, key) ? [facts.summary.Labels[key] ?? ''] : [],
        );
        return value === undefined ? { cost: kind.values.size, find: () => [kind.values.keys()] } : anyOf(kind, [value]);
      }),
      ...(statuses.length > 0
        ? [
            anyOf(
              kindOf('status', ({ facts }) => [facts.inspect.State.Status]),
              statuses,
            ),
          ]
        : []),
      ...(hosts.length > 0
        ? [
            anyOf(
              kindOf('host', ({ host }) => [host]),
              hosts,
            ),
          ]
        : []),
      ...(networks.length > 0 ? [anyOf(kindOf('network', networksOf), networks)] : []),
      ...(isNetwork === undefined ? [] : [where(kindOf('network', networksOf), isNetwork)]),
      ...(isName === undefined ? [] : [where(kindOf('name', namesOf), isName)]),
    ];
  }

  function* withPrefix(prefix: string): Iterable<string> {
    const kind = kindOf('prefix', ({ id }) => [id.slice(0, PREFIX)]);
    const among = prefix.length < PREFIX ? kind.values.keys() : (kind.ids.get(prefix.slice(0, PREFIX)) ?? []);
    for (const id of among) if (isIdPrefix(prefix, id)) yield id;
  }

  return {
    changed(id) {
      if (kinds.size > 0) changed.add(id);
      if (changed.size >= MOST_CHANGED) settle();
    },
    withPrefix,
    matching(query) {
      const ways = waysFor(query);
      const [first] = ways;
      if (first === undefined) return undefined;
      const best = ways.reduce((least, way) => (way.cost < least.cost ? way : least), first);
      const ids = new Set<string>();
      for (const found of best.find()) for (const id of found) ids.add(id);
      return [...ids].flatMap((id) => all.byId(id) ?? []);
    },
  };
}

const namesOf = ({ name, facts }: ContainerView): readonly string[] => [...new Set([name, ...facts.summary.Names.map(withoutSlash)])];

const networksOf = ({ facts: { summary, inspect } }: ContainerView): readonly string[] => [
  ...new Set([summary, inspect].flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings?.Networks ?? {}))),
];

/** One that cannot be read matches nothing; a list of all says so of it. */
function readable({ valuesOf }: Kind, container: ContainerView): readonly string[] {
  try {
    return valuesOf(container);
  } catch {
    return [];
  }
}
