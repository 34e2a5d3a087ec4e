/** What tags mean and since when, kept over a change of leader: a host with an old copy must not win by its image's age. Effects: the ledger. */
import { keys, type TagRecord } from '../../model/index.ts';
import type { Change } from '../../store/ledger/contract.ts';
import type { Commit } from '../core.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { HostImages, Tagged } from '../view/image-index.ts';
import type { ImageReader, ViewReader } from '../view/roles.ts';

export interface Tags {
  /** Writes down what has changed since the last time. Never rejects: what could not be written the next call tries again. */
  readonly save: () => Promise<void>;
}

export const recordedTag = ({ ledger }: SchedulerDeps, tag: string): TagRecord | undefined => ledger.get<TagRecord>(keys.tag(tag));

export function createTags(
  { ledger, log }: SchedulerDeps,
  view: Pick<ViewReader, 'hosts'>,
  images: Pick<ImageReader, 'tagged' | 'all'>,
  commit: Commit,
): Tags {
  return {
    async save() {
      const records = ledger.list<TagRecord>(keys.tags).map(([, record]) => record);
      const changes = tagChanges(images.tagged(), records, view.hosts().every((host) => host.state === 'alive') ? images.all() : undefined);
      if (changes.length === 0) return;
      await commit(changes).catch((error: unknown) =>
        log.warn({ err: error }, 'could not store image tags; trying again with the next change'),
      );
    },
  };
}

/**
 * A tag that was set while a leader looked on is written down; one that a first snapshot brought is as old as its image, which any leader sees by itself.
 * A record gives way to what is newer; to what is older only when `all` hosts can be seen and none has it as recorded. What none has is forgotten.
 */
export function tagChanges(
  tagged: ReadonlyMap<string, Tagged>,
  records: readonly TagRecord[],
  all: readonly HostImages[] | undefined,
): readonly Change[] {
  const before = new Map(records.map((record) => [record.tag, record]));
  const puts = [...tagged].flatMap(([tag, { id, sinceMs, createdMs }]): Change[] => {
    const known = before.get(tag);
    const isTrue = known !== undefined && known.id === id && known.sinceMs === sinceMs;
    // the host that has it so may not have joined this leader yet
    const mayBeTrue = known !== undefined && known.sinceMs >= sinceMs && (all?.some((host) => host.tags.get(tag)?.id === known.id) ?? true);
    if (known === undefined ? sinceMs === createdMs : isTrue || mayBeTrue) return [];
    return [{ kind: 'put', key: keys.tag(tag), value: { tag, id, sinceMs } satisfies TagRecord }];
  });
  const gone = all === undefined ? [] : records.filter(({ tag }) => !all.some((host) => host.tags.has(tag)));
  return [...puts, ...gone.map(({ tag }): Change => ({ kind: 'delete', key: keys.tag(tag) }))];
}
