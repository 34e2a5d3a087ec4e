/** A store in memory, with the limits of a real one, whose transactions fail as a test says. */
import assert from 'node:assert/strict';
import { ArpanetError } from '../../../src/model/index.ts';
import type { Entry, StateStore } from '../../../src/store/index.ts';
import { encodeAll } from '../../../src/store/limits.ts';

export type When = 'before' | 'after' | 'never';

/** `fails` says of each transaction whether its outcome is lost, and whether it was done. */
export function memoryStore(rows = new Map<string, { json: string; modifyIndex: number }>(), fails: () => When = () => 'never') {
  let index = Math.max(0, ...[...rows.values()].map(({ modifyIndex }) => modifyIndex));
  const entry = (key: string): Entry | undefined => {
    const row = rows.get(key);
    return row && { key, value: JSON.parse(row.json) as unknown, modifyIndex: row.modifyIndex };
  };
  const notHere = (): never => assert.fail('not in this store');
  const store: StateStore = {
    kind: 'embedded',
    get: async (key) => entry(key),
    list: async (prefix) =>
      [...rows.keys()]
        .filter((key) => key.startsWith(prefix))
        .sort()
        .flatMap((key) => entry(key) ?? []),
    async transact(operations, fence) {
      const encoded = encodeAll(operations, fence !== undefined);
      const when = fails();
      if (when === 'before') throw new ArpanetError('unavailable', 'not done');
      const indexOf = (key: string): number => rows.get(key)?.modifyIndex ?? 0;
      const failed = operations.flatMap((one, i) =>
        'modifyIndex' in one && one.modifyIndex !== indexOf(one.key) && !(one.op === 'delete-cas' && indexOf(one.key) === 0) ? [i] : [],
      );
      if (failed.length > 0) return { kind: 'conflict', failed };
      const indexes = new Map<string, number>();
      index += 1;
      for (const { operation, json } of encoded) {
        if (operation.op === 'set' || operation.op === 'cas') rows.set(operation.key, { json, modifyIndex: index });
        else if (operation.op !== 'check') rows.delete(operation.key);
        if (operation.op !== 'check') indexes.set(operation.key, indexOf(operation.key));
      }
      if (when === 'after') throw new ArpanetError('unavailable', 'done, and nobody knows');
      return { kind: 'committed', indexes };
    },
    changeIndex: async () => index,
    indexes: async (prefix) => new Map([...rows].flatMap(([key, { modifyIndex }]) => (key.startsWith(prefix) ? [[key, modifyIndex]] : []))),
    trouble: notHere,
    answerMs: notHere,
    watch: notHere,
    lock: notHere,
    holder: notHere,
    watchHolder: notHere,
    evict: notHere,
    async [Symbol.asyncDispose]() {},
  };
  return { store, rows };
}
