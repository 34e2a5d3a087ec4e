/** Which parts of large records are in the store, and which records use them, as far as this process knows. Memory only. */
import { keys } from '../../model/index.ts';
import type { Entry } from '../contract.ts';
import { type PartRef, partsIn } from './fold.ts';

/** A part by what it holds. */
export type Ref = Pick<PartRef, 'sha256' | 'pieces'>;

export interface PartUses {
  isStored(part: Ref): boolean;
  /** Pieces of it may be. */
  begun(part: Ref): void;
  /** All its pieces are. */
  stored(part: Ref): void;
  /** It is removed, or lost or damaged. */
  notStored(part: Ref): void;
  /** Whether the record has parts, or may have. */
  isKnown(key: string): boolean;
  /** The record is in the store with these parts; none: without, or not at all. */
  has(key: string, parts: readonly Ref[]): void;
  /** It may become so: a transaction is under way, or its end is unknown. */
  maybe(key: string, parts: readonly Ref[]): void;
  /** That transaction did not do it. */
  settled(key: string): void;
  /** Records that have, or may have, this part. */
  usersOf(sha256: string): readonly string[];
  /** A piece has this modify index; 0: it is not stored. */
  noteIndex(piece: string, index: number): void;
  /** Of pieces, by key. */
  indexes(): ReadonlyMap<string, number>;
  /** Everything that the store holds; what may still become so stays. */
  reset(all: readonly Entry[]): void;
  hasUnused(): boolean;
  /** Parts in the store that no record uses, nor may use, once these records have these parts. */
  unusedAfter(changes: readonly { readonly key: string; readonly parts: readonly Ref[] }[]): readonly Ref[];
}

export function createPartUses(): PartUses {
  const stored = new Map<string, Ref & { readonly isWhole: boolean }>();
  const users = new Map<string, number>();
  const unused = new Set<string>();
  const certain = new Map<string, readonly Ref[]>();
  const possible = new Map<string, readonly Ref[]>();
  const indexes = new Map<string, number>();

  function note(sha256: string): void {
    if (stored.has(sha256) && !users.has(sha256)) unused.add(sha256);
    else unused.delete(sha256);
  }
  function count(refs: readonly Ref[], by: 1 | -1): void {
    for (const { sha256 } of refs) {
      const now = (users.get(sha256) ?? 0) + by;
      if (now > 0) users.set(sha256, now);
      else users.delete(sha256);
      note(sha256);
    }
  }
  function replace(map: Map<string, readonly Ref[]>, key: string, refs: readonly Ref[]): void {
    count(refs, 1);
    count(map.get(key) ?? [], -1);
    if (refs.length > 0) map.set(key, refs);
    else map.delete(key);
  }
  function add({ sha256, pieces }: Ref, isWhole: boolean): void {
    stored.set(sha256, { sha256, pieces, isWhole });
    note(sha256);
  }

  return {
    isStored({ sha256, pieces }) {
      const found = stored.get(sha256);
      return found?.isWhole === true && found.pieces === pieces;
    },
    begun: (part) => add(part, false),
    stored: (part) => add(part, true),
    notStored({ sha256 }) {
      stored.delete(sha256);
      note(sha256);
    },
    isKnown: (key) => certain.has(key) || possible.has(key),
    has(key, parts) {
      replace(certain, key, parts);
      replace(possible, key, []);
    },
    maybe: (key, parts) => replace(possible, key, parts),
    settled: (key) => replace(possible, key, []),
    usersOf: (sha256) =>
      [certain, possible].flatMap((map) => [...map].flatMap(([key, refs]) => (refs.some((ref) => ref.sha256 === sha256) ? [key] : []))),
    noteIndex(piece, index) {
      if (index > 0) indexes.set(piece, index);
      else indexes.delete(piece);
    },
    indexes: () => indexes,
    reset(all) {
      for (const known of [stored, users, unused, certain, indexes]) known.clear();
      for (const refs of possible.values()) count(refs, 1);
      for (const { key, value } of all) replace(certain, key, partsIn(value) ?? []);
      const found = new Map<string, number[]>();
      for (const { key, modifyIndex } of all) {
        if (!key.startsWith(keys.parts)) continue;
        indexes.set(key, modifyIndex);
        const [sha256 = '', index] = key.slice(keys.parts.length).split('/');
        found.set(sha256, [...(found.get(sha256) ?? []), Number(index)]);
      }
      // where the writing was interrupted, the last ones are missing, or the first ones where a removal was
      for (const [sha256, indexes] of found) add({ sha256, pieces: Math.max(...indexes) + 1 }, Math.max(...indexes) < indexes.length);
    },
    hasUnused: () => unused.size > 0,
    unusedAfter(changes) {
      const before = changes.map(({ key }) => [key, certain.get(key) ?? []] as const);
      for (const { key, parts } of changes) replace(certain, key, parts);
      const found = [...unused].flatMap((sha256) => stored.get(sha256) ?? []);
      for (const [key, parts] of before) replace(certain, key, parts);
      return found;
    },
  };
}
