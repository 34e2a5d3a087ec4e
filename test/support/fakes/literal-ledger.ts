/** A Ledger that is a Map and nothing else: no store, no fence. For tests of rooms that plan changes. */
import { ArpanetError, type UnreadableRecord } from '../../../src/model/index.ts';
import type { Change, Ledger } from '../../../src/store/ledger/contract.ts';

export class LiteralLedger implements Ledger {
  readonly entries = new Map<string, unknown>();
  readonly watches: { readonly prefix: string; readonly listener: (key: string) => void }[] = [];

  watch(prefix: string, listener: (key: string) => void): void {
    this.watches.push({ prefix, listener });
  }

  get<T>(key: string): T | undefined {
    return this.entries.get(key) as T | undefined;
  }

  list<T>(prefix: string): readonly (readonly [string, T])[] {
    const found = [...this.entries].filter(([key]) => key.startsWith(prefix)) as [string, T][];
    return found.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** What `commit` does, synchronously. */
  apply(changes: readonly Change[]): void {
    for (const change of changes)
      if (change.kind === 'create' && this.entries.has(change.key)) throw new ArpanetError('conflict', `${change.key} exists`);
    for (const change of changes) {
      if (change.kind === 'delete') this.entries.delete(change.key);
      else this.entries.set(change.key, change.value);
      for (const { prefix, listener } of this.watches) if (change.key.startsWith(prefix)) listener(change.key);
    }
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.apply(changes);
  }

  unreadable(): readonly UnreadableRecord[] {
    return [];
  }

  async compare(): Promise<readonly string[]> {
    return [];
  }

  async guard(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
