/**
 * Effects: a store that takes records of any size, made of one whose transactions have 512 KB: large fields go before their record, as parts
 * (fold.ts), each in transactions of their own under the same fence; one that no record uses any more goes with it. Whatever is interrupted leaves
 * the record as it was, or whole as it became, and at most parts that nobody uses: the next leader removes those. A container's template (template.ts) is
 * such a part, and goes in its record's own transaction where there is room; only once the store says that its readers know templates.
 */
import { createKeyed } from '../../async/keyed.ts';
import { keys } from '../../model/index.ts';
import type { Entry, Fence, Operation, StateStore, TransactionResult } from '../contract.ts';
import { encode, MAX_BYTES, MAX_OPERATIONS } from '../limits.ts';
import { fold, type Folded, type Part, partsIn, pieceKeys, templateRef, unfold } from './fold.ts';
import { createPartUses, type Ref } from './part-uses.ts';
import { TEMPLATE_SCHEMA, withTemplate } from './template.ts';

/** The same store, but that `list` and `watch` do not give the parts, and records come whole. A record whose part is lost has a `fault`. */
export function withLargeRecords(store: StateStore): StateStore {
  const queue = createKeyed();
  /** Around what reads or changes `uses`: what was read of the store is true until its end, as only this process writes. */
  const alone = <T>(act: () => Promise<T>): Promise<T> => queue.serial('', act);
  const uses = createPartUses();
  /** Of the store's records, as far as it is known. */
  let hasTemplates = false;

  /** Undefined: the record was deleted meanwhile. */
  async function whole(entry: Entry, read: Read, signal?: AbortSignal): Promise<Entry | undefined> {
    const refs = partsIn(entry.value);
    if (refs === undefined) return entry;
    for (const key of refs.flatMap(pieceKeys)) {
      if (read.pieces.has(key)) continue;
      const piece = await store.get(key, signal);
      read.pieces.set(key, piece?.value);
      uses.noteIndex(key, piece?.modifyIndex ?? 0);
    }
    try {
      return { ...entry, value: unfold(entry.value, (key) => read.pieces.get(key), read.templates) };
    } catch (error) {
      // replaced while it was read?
      const now = await store.get(entry.key, signal);
      if (now?.modifyIndex !== entry.modifyIndex) return now === undefined ? undefined : await whole(now, nothingRead(), signal);
      // written again with the next record that has them
      for (const ref of refs) uses.notStored(ref);
      return { ...entry, value: undefined, fault: error instanceof Error ? error.message : String(error) };
    }
  }

  async function allWhole(found: readonly Entry[], signal?: AbortSignal): Promise<readonly Entry[]> {
    const isPiece = ({ key }: Entry): boolean => key.startsWith(keys.parts);
    if (!found.some((entry) => isPiece(entry) || partsIn(entry.value) !== undefined)) return found;
    const read: Read = { ...nothingRead(), pieces: new Map(found.filter(isPiece).map(({ key, value }) => [key, value] as const)) };
    const entries: Entry[] = [];
    for (const entry of found) {
      if (isPiece(entry)) continue;
      const one = partsIn(entry.value) === undefined ? entry : await whole(entry, read, signal);
      if (one !== undefined) entries.push(one);
    }
    return entries;
  }

  async function writeParts(parts: readonly Part[], fence: Fence | undefined, signal: AbortSignal | undefined): Promise<void> {
    const wanted = [...new Map(parts.map((part) => [part.sha256, part])).values()].filter((part) => !uses.isStored(part));
    for (const part of wanted) uses.begun(part);
    for (const batch of inBatches(wanted.flatMap(piecesOf))) note(await store.transact(batch, fence, signal));
    for (const part of wanted) uses.stored(part);
  }

  function note(result: TransactionResult): void {
    if (result.kind !== 'committed') return;
    for (const [key, index] of result.indexes) if (key.startsWith(keys.parts)) uses.noteIndex(key, index);
  }

  /** Without the pieces of parts; a record one of whose pieces is another one than is known, or missing, has the index -1. */
  function withoutPieces(found: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const kept = new Map([...found].filter(([key]) => !key.startsWith(keys.parts)));
    for (const [key, index] of uses.indexes()) {
      const now = found.get(key);
      if (now === index) continue;
      const [sha256 = ''] = key.slice(keys.parts.length).split('/');
      // until one of them is read
      for (const user of uses.usersOf(sha256)) kept.set(user, FOREIGN);
    }
    return kept;
  }

  /** Templates that are not stored yet, as far as there is room for them beside the operations of their records. */
  function besides(operations: readonly Operation[], changes: readonly Change[]): readonly Part[] {
    const templates = changes.flatMap(({ parts, isTemplated }) => (isTemplated ? parts : [])).filter((part) => !uses.isStored(part));
    if (templates.length === 0) return [];
    const room = roomBeside(operations);
    return [...new Map(templates.map((part) => [part.sha256, part])).values()].filter((part) => room.takes(piecesOf(part)));
  }

  /**
   * Parts that no record uses once these changes are done go in the same transaction, as far as there is room; the others with a later one. Only where it
   * checks the ledger's barrier: the ledger makes sure that such a transaction is done now or never, before a part can be needed again.
   */
  function removable(operations: readonly Operation[], changes: readonly Change[], isFenced: boolean): readonly Ref[] {
    if (!isFenced || !operations.some(({ key }) => key === keys.barrier)) return [];
    const unused = uses.unusedAfter(changes);
    if (unused.length === 0) return [];
    const room = roomBeside(operations);
    return unused.filter((part) => room.takes(removalsOf(part)));
  }

  async function transactLarge(
    operations: readonly Operation[],
    changes: readonly Change[],
    fence: Fence | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TransactionResult> {
    const added = besides(operations, changes);
    await writeParts(
      changes.flatMap(({ parts }) => parts).filter(({ sha256 }) => !added.some((part) => part.sha256 === sha256)),
      fence,
      signal,
    );
    const own = [...operations, ...added.flatMap(piecesOf)];
    const removed = removable(own, changes, fence !== undefined);
    // until it is known how it ends, the old records and the new ones may be in the store, what is removed may not, and what is added may
    for (const part of removed) uses.notStored(part);
    for (const part of added) uses.begun(part);
    for (const { key, parts } of changes) uses.maybe(key, parts);
    const result = await store.transact([...own, ...removed.flatMap(removalsOf)], fence, signal);
    const isDone = result.kind === 'committed';
    note(result);
    if (isDone) for (const part of added) uses.stored(part);
    for (const { key, parts } of changes) {
      if (isDone) uses.has(key, parts);
      else uses.settled(key);
    }
    if (!isDone) for (const part of removed) uses.stored(part);
    return result;
  }

  /** What is written at a record's key, and what goes beside it. */
  function asStored(key: string, value: unknown): Folded & Pick<Change, 'isTemplated'> {
    const folded = fold(key, value);
    const made = hasTemplates && folded.parts.length === 0 ? withTemplate(key, value) : undefined;
    if (made === undefined) return { ...folded, isTemplated: false };
    const part: Part = { ...templateRef(made.template.sha256), texts: () => [made.template.text()] };
    return { value: made.value, parts: [part], isTemplated: true };
  }

  return {
    kind: store.kind,
    lock: (...asked) => store.lock(...asked),
    holder: (...asked) => store.holder(...asked),
    watchHolder: (...asked) => store.watchHolder(...asked),
    evict: (...asked) => store.evict(...asked),
    changeIndex: (...asked) => store.changeIndex(...asked),
    async indexes(prefix, signal) {
      const isOfParts = keys.parts.startsWith(prefix) || prefix.startsWith(keys.parts);
      if (!isOfParts) return await store.indexes(prefix, signal);
      return await alone(async () => withoutPieces(await store.indexes(prefix, signal)));
    },
    trouble: () => store.trouble(),
    answerMs: () => store.answerMs(),
    async get(key, signal) {
      const entry = await store.get(key, signal);
      if (partsIn(entry?.value) === undefined && !uses.isKnown(key)) return entry;
      return await alone(async () => {
        const now = await store.get(key, signal);
        uses.has(key, partsIn(now?.value) ?? []);
        return now === undefined ? undefined : await whole(now, nothingRead(), signal);
      });
    },
    async list(prefix, signal) {
      if (!keys.root.startsWith(prefix)) return await allWhole(await store.list(prefix, signal), signal);
      return await alone(async () => {
        const found = await store.list(prefix, signal);
        uses.reset(found);
        hasTemplates = found.some(({ key, value }) => isOfTemplates(key, value));
        return await allWhole(found, signal);
      });
    },
    async transact(operations, fence, signal) {
      const says = schemaIn(operations);
      // a store that loses its schema gets no templates with the same transaction
      if (says === false) hasTemplates = false;
      const folded: Change[] = [];
      const stored = operations.map((operation): Operation => {
        if (operation.op === 'check') return operation;
        const isWrite = operation.op === 'set' || operation.op === 'cas';
        const { value, parts, isTemplated } = isWrite ? asStored(operation.key, operation.value) : NOTHING;
        if (parts.length > 0 || uses.isKnown(operation.key)) folded.push({ key: operation.key, parts, isTemplated });
        return isWrite && parts.length > 0 ? { ...operation, value } : operation;
      });
      const result =
        folded.length === 0 && !uses.hasUnused()
          ? await store.transact(operations, fence, signal)
          : await alone(() => transactLarge(stored, folded, fence, signal));
      if (result.kind === 'committed' && says !== undefined) hasTemplates = says;
      return result;
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
  /** Its one part is its template. */
  readonly isTemplated: boolean;
}

/** What was read besides records: pieces by key, templates by SHA-256. */
interface Read {
  readonly pieces: Map<string, unknown>;
  readonly templates: Map<string, object>;
}

const nothingRead = (): Read => ({ pieces: new Map(), templates: new Map() });

/** The record that says that the store's readers know templates. */
const isOfTemplates = (key: string, value: unknown): boolean =>
  key === keys.schema && typeof value === 'number' && value >= TEMPLATE_SCHEMA;

/** Whether the store's readers know templates once these are done; undefined: as before. */
function schemaIn(operations: readonly Operation[]): boolean | undefined {
  const last = operations.findLast(({ op, key }) => key === keys.schema && op !== 'check');
  return last && 'value' in last && isOfTemplates(last.key, last.value);
}

/** What a transaction takes beside these operations and the fence. */
function roomBeside(operations: readonly Operation[]) {
  let most = MAX_OPERATIONS - 1 - operations.length;
  let bytes = MAX_BYTES - RESERVE_BYTES - operations.reduce((sum, operation) => sum + encode(operation).bytes, 0);
  return {
    /** False, with nothing taken, where there is no room for all of them. */
    takes(more: readonly Operation[]): boolean {
      const size = more.reduce((sum, operation) => sum + encode(operation).bytes, 0);
      if (more.length > most || size > bytes) return false;
      most -= more.length;
      bytes -= size;
      return true;
    },
  };
}

/** As many at a time as a transaction takes; one at least. */
function* inBatches(operations: readonly Operation[]): Generator<readonly Operation[]> {
  let batch: Operation[] = [];
  let room = roomBeside([]);
  for (const operation of operations) {
    if (!room.takes([operation]) && batch.length > 0) {
      yield batch;
      batch = [];
      room = roomBeside([]);
      room.takes([operation]);
    }
    batch.push(operation);
  }
  if (batch.length > 0) yield batch;
}

function piecesOf(part: Part): readonly Operation[] {
  const texts = part.texts();
  return pieceKeys(part).map((key, i) => ({ op: 'set', key, value: texts[i] ?? '' }));
}

const removalsOf = (part: Ref): readonly Operation[] => pieceKeys(part).map((key) => ({ op: 'delete', key }));

/** An index that no entry has. */
const FOREIGN = -1;

/** Of a transaction, for the fence, and for what values grow by when they are sealed. */
const RESERVE_BYTES = 32 * 1024;

const NOTHING = { value: undefined, parts: [], isTemplated: false } as const;
