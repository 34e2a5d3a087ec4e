/**
 * Effects: a store that takes records of any size, made of one whose transactions have 512 KB: large fields go before their record, as parts
 * (fold.ts), each in transactions of their own under the same fence; one that no record uses any more goes with it. Whatever is interrupted leaves
 * the record as it was, or whole as it became, and at most parts that nobody uses: the next leader removes those.
 */
import { createKeyed } from '../../async/keyed.ts';
import { keys } from '../../model/index.ts';
import type { Entry, Fence, Operation, StateStore, TransactionResult } from '../contract.ts';
import { encode, MAX_BYTES, MAX_OPERATIONS } from '../limits.ts';
import { fold, type Part, partsIn, pieceKeys, unfold } from './fold.ts';
import { createPartUses, type Ref } from './part-uses.ts';

/** The same store, but that `list` and `watch` do not give the parts, and records come whole. A record whose part is lost has a `fault`. */
export function withLargeRecords(store: StateStore): StateStore {
  const queue = createKeyed();
  /** Around what reads or changes `uses`: what was read of the store is true until its end, as only this process writes. */
  const alone = <T>(act: () => Promise<T>): Promise<T> => queue.serial('', act);
  const uses = createPartUses();

  /** Undefined: the record was deleted meanwhile. */
  async function whole(entry: Entry, pieces: ReadonlyMap<string, unknown>, signal?: AbortSignal): Promise<Entry | undefined> {
    const refs = partsIn(entry.value);
    if (refs === undefined) return entry;
    const missing = refs.flatMap(pieceKeys).filter((key) => !pieces.has(key));
    const read = await Promise.all(missing.map(async (key) => [key, (await store.get(key, signal))?.value] as const));
    const found = new Map([...pieces, ...read]);
    try {
      return { ...entry, value: unfold(entry.value, (key) => found.get(key)) };
    } catch (error) {
      // replaced while it was read?
      const now = await store.get(entry.key, signal);
      if (now?.modifyIndex !== entry.modifyIndex) return now === undefined ? undefined : await whole(now, new Map(), signal);
      // written again with the next record that has them
      for (const ref of refs) uses.notStored(ref);
      return { ...entry, value: undefined, fault: error instanceof Error ? error.message : String(error) };
    }
  }

  async function allWhole(found: readonly Entry[], signal?: AbortSignal): Promise<readonly Entry[]> {
    const isPiece = ({ key }: Entry): boolean => key.startsWith(keys.parts);
    if (!found.some((entry) => isPiece(entry) || partsIn(entry.value) !== undefined)) return found;
    const pieces = new Map(found.filter(isPiece).map(({ key, value }) => [key, value] as const));
    const entries = await Promise.all(found.filter((entry) => !isPiece(entry)).map((entry) => whole(entry, pieces, signal)));
    return entries.filter((entry) => entry !== undefined);
  }

  async function writeParts(parts: readonly Part[], fence: Fence | undefined, signal: AbortSignal | undefined): Promise<void> {
    for (const part of parts) {
      if (uses.isStored(part)) continue;
      uses.begun(part);
      const texts = part.texts();
      for (const [i, key] of pieceKeys(part).entries()) {
        await store.transact([{ op: 'set', key, value: texts[i] ?? '' }], fence, signal);
      }
      uses.stored(part);
    }
  }

  /**
   * Parts that no record uses once these changes are done go in the same transaction, as far as there is room; the others with a later one. Only where it
   * checks the ledger's barrier: the ledger makes sure that such a transaction is done now or never, before a part can be needed again.
   */
  function removable(operations: readonly Operation[], changes: readonly Change[], isFenced: boolean): readonly Ref[] {
    if (!isFenced || !operations.some(({ key }) => key === keys.barrier)) return [];
    let room = MAX_OPERATIONS - 1 - operations.length;
    let bytes = MAX_BYTES - RESERVE_BYTES - operations.reduce((sum, operation) => sum + encode(operation).bytes, 0);
    return uses.unusedAfter(changes).filter((part) => {
      const removals = removalsOf(part);
      room -= removals.length;
      bytes -= removals.reduce((sum, operation) => sum + encode(operation).bytes, 0);
      return room >= 0 && bytes >= 0;
    });
  }

  async function transactLarge(
    operations: readonly Operation[],
    changes: readonly Change[],
    fence: Fence | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TransactionResult> {
    await writeParts(
      changes.flatMap(({ parts }) => parts),
      fence,
      signal,
    );
    const removed = removable(operations, changes, fence !== undefined);
    // until it is known how it ends, the old records and the new ones may be in the store, and what is removed may not
    for (const part of removed) uses.notStored(part);
    for (const { key, parts } of changes) uses.maybe(key, parts);
    const result = await store.transact([...operations, ...removed.flatMap(removalsOf)], fence, signal);
    const isDone = result.kind === 'committed';
    for (const { key, parts } of changes) {
      if (isDone) uses.has(key, parts);
      else uses.settled(key);
    }
    if (!isDone) for (const part of removed) uses.stored(part);
    return result;
  }

  return {
    kind: store.kind,
    lock: (...asked) => store.lock(...asked),
    holder: (...asked) => store.holder(...asked),
    watchHolder: (...asked) => store.watchHolder(...asked),
    evict: (...asked) => store.evict(...asked),
    changeIndex: (...asked) => store.changeIndex(...asked),
    trouble: () => store.trouble(),
    answerMs: () => store.answerMs(),
    async get(key, signal) {
      const entry = await store.get(key, signal);
      if (partsIn(entry?.value) === undefined && !uses.isKnown(key)) return entry;
      return await alone(async () => {
        const now = await store.get(key, signal);
        uses.has(key, partsIn(now?.value) ?? []);
        return now === undefined ? undefined : await whole(now, new Map(), signal);
      });
    },
    async list(prefix, signal) {
      if (!keys.root.startsWith(prefix)) return await allWhole(await store.list(prefix, signal), signal);
      return await alone(async () => {
        const found = await store.list(prefix, signal);
        uses.reset(found);
        return await allWhole(found, signal);
      });
    },
    async transact(operations, fence, signal) {
      const folded: Change[] = [];
      const stored = operations.map((operation): Operation => {
        if (operation.op === 'check') return operation;
        const isWrite = operation.op === 'set' || operation.op === 'cas';
        const { value, parts } = isWrite ? fold(operation.key, operation.value) : NOTHING;
        if (parts.length > 0 || uses.isKnown(operation.key)) folded.push({ key: operation.key, parts });
        return isWrite && parts.length > 0 ? { ...operation, value } : operation;
      });
      if (folded.length === 0 && !uses.hasUnused()) return await store.transact(operations, fence, signal);
      return await alone(() => transactLarge(stored, folded, fence, signal));
    },
    async *watch(prefix, signal) {
      for await (const found of store.watch(prefix, signal)) yield await allWhole(found, signal);
    },
    ...(store.unsealed && { unsealed: store.unsealed }),
    ...(store.resealParts && { resealParts: store.resealParts }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** A record that is written or deleted, and the parts that it has from then on. */
interface Change {
  readonly key: string;
  readonly parts: readonly Part[];
}

const removalsOf = (part: Ref): readonly Operation[] => pieceKeys(part).map((key) => ({ op: 'delete', key }));

/** Of a transaction, for the fence and what is around it. */
const RESERVE_BYTES = 1024;

const NOTHING = { value: undefined, parts: [] } as const;
