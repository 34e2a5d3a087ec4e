/** The creates that were refused last, so that `explain` can give the reason for what does not exist. Forgotten with the leadership. */
import { LRUCache } from 'lru-cache';
import { ArpanetError, type ContainerRecord, type Decision, type Placement } from '../../model/index.ts';
import { keptDecision } from '../placement/index.ts';
import { withoutSlash } from '../../text/names.ts';

const MOST = 500;

export interface Refusals {
  readonly keep: (name: string, placement: Extract<Placement, { kind: 'refused' }>, strategy: string, atMs: number) => void;
  /** `host` is empty: none was chosen. */
  readonly of: (name: string) => Decision | undefined;
}

export function createRefusals(): Refusals {
  const kept = new LRUCache<string, Decision>({ max: MOST });
  return {
    keep(name, { refused, counts }, strategy, atMs) {
      const numbers = counts && { counts: { fit: 0, refused: counts } };
      kept.set(name, keptDecision({ host: '', strategy, atMs, scored: [], refused, ...numbers }));
    },
    of: (name) => kept.get(withoutSlash(name)),
  };
}

/** For a create that neither was finished nor can be undone now, as its host is unreachable. */
export function incompleteCreate({ name, host }: ContainerRecord): ArpanetError {
  return new ArpanetError(
    'unavailable',
    `create of ${name} on ${host} is incomplete and ${host} is unreachable; it is resumed or rolled back when ${host} reconnects`,
  );
}
