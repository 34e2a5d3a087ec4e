/** What the parts of this room share while one leadership lasts. */
import { type ContainerRecord, type HostRecord, keys, type LostRecord, type NetworkRecord } from '../model/index.ts';
import type { Judge } from './containers/judge.ts';
import type { Change } from '../store/ledger/contract.ts';
import type { SchedulerDeps } from './deps.ts';
import type { Engines } from './agents/engines.ts';
import type { Feed } from './events/feed.ts';
import type { Echoes } from './agents/echoes.ts';
import type { Hub } from './agents/hub.ts';
import { counting, isFencing } from './loss/lost-records.ts';
import type { Syncs } from './agents/refresh.ts';
import type { HostSummaries } from './view/host-summaries.ts';
import type { RecordIndex } from './view/record-index.ts';
import type { ImageReader, RecordWriter, ViewReader } from './view/roles.ts';
import { rememberedFacts } from './view/placeholder-containers.ts';
import { fenced } from '../telemetry/left-out.ts';
import type { Triggers } from './triggers.ts';
import type { Keyed } from '../async/keyed.ts';

export interface Core {
  readonly deps: SchedulerDeps;
  readonly view: ViewReader;
  readonly images: ImageReader;
  readonly records: RecordWriter;
  /** Container records, commits under way included. */
  readonly recordIndex: RecordIndex;
  /** Hosts as placement sees them. */
  readonly summaries: HostSummaries;
  readonly hub: Hub;
  readonly echoes: Echoes;
  readonly engines: Engines;
  readonly feed: Feed;
  readonly syncs: Syncs;
  readonly keyed: Keyed;
  readonly commit: Commit;
  readonly judge: Judge;
  readonly triggers: Triggers;
  /** Aborts when the leadership ends. */
  readonly lost: AbortSignal;
}

/** Commits to the ledger and keeps the view's index of container records true. Visible in the ledger at once. */
export type Commit = (changes: readonly Change[]) => Promise<void>;

export function createCommit(deps: SchedulerDeps, records: RecordWriter): Commit {
  return async (changes) => {
    if (changes.length === 0) return;
    await deps.ledger.commit(changes);
    if (changes.some(({ key }) => key.startsWith(keys.lost) || key.startsWith(keys.containers))) records.setLost(lostIds(deps));
    for (const change of changes) {
      if (!change.key.startsWith(keys.containers)) continue;
      const name = change.key.slice(keys.containers.length);
      // What the ledger holds now, and not what this change said: a later one may have come in between.
      records.set(name, deps.ledger.get<ContainerRecord>(change.key));
    }
    records.touch();
  };
}

export function lostNotes({ ledger }: SchedulerDeps): readonly LostRecord[] {
  const notes = ledger.list<LostRecord>(keys.lost).map(([, note]) => note);
  return counting(notes, (name) => ledger.get<ContainerRecord>(keys.container(name)));
}

/** Hosts that the others are fenced from, by the notes of what was lost there. */
export function fencedHosts({ ledger }: SchedulerDeps): readonly string[] {
  return ledger
    .list<LostRecord>(keys.lost)
    .flatMap(([, note]) =>
      isFencing(note, ledger.get<ContainerRecord>(keys.container(note.name))) ? [note.host, ...(note.uninformed ?? [])] : [],
    );
}

export const lostIds = (deps: SchedulerDeps): ReadonlySet<string> => new Set(lostNotes(deps).map(({ id }) => id));

/** A store's transaction is bounded: what need not be atomic goes in pieces. */
export async function commitInPieces(commit: Commit, changes: readonly Change[], pieceSize = 32): Promise<void> {
  for (let from = 0; from < changes.length; from += pieceSize) await commit(changes.slice(from, from + pieceSize));
}

/** Lists of the ledger stay the same while nothing in them changes; so does what is made of them. */
const networkLists = new WeakMap<object, readonly NetworkRecord[]>();
const hostMaps = new WeakMap<object, ReadonlyMap<string, HostRecord>>();

export function networkRecords({ ledger }: { readonly ledger: Pick<SchedulerDeps['ledger'], 'list'> }): readonly NetworkRecord[] {
  const listed = ledger.list<NetworkRecord>(keys.networks);
  const known = networkLists.get(listed);
  if (known !== undefined) return known;
  const made = listed.map(([, record]) => record);
  networkLists.set(listed, made);
  return made;
}

export function containerRecords({ ledger }: SchedulerDeps): readonly ContainerRecord[] {
  return ledger.list<ContainerRecord>(keys.containers).map(([, record]) => record);
}

export function hostRecords({ ledger }: SchedulerDeps): ReadonlyMap<string, HostRecord> {
  const listed = ledger.list<HostRecord>(keys.hosts);
  const known = hostMaps.get(listed);
  if (known !== undefined) return known;
  const made = new Map(listed.map(([, record]) => [record.name, record]));
  hostMaps.set(listed, made);
  return made;
}

/** Lists containers of a host from their records, until the host reports them itself. */
export function rememberHost({ deps, records, recordIndex }: Pick<Core, 'deps' | 'records' | 'recordIndex'>, host: string): void {
  const networkOf = (id: string) => deps.ledger.get<NetworkRecord>(keys.network(id));
  records.remember(host, [
    ...fenced(
      { kind: 'container', of: `what is remembered of host ${host}` },
      recordIndex.onHost(host),
      ({ name }) => name,
      (record) => (record.id !== undefined ? [rememberedFacts(record, record.id, networkOf)] : []),
    ),
  ]);
}
