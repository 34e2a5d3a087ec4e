/** Entries of a store, made of stored text. Pure. */
import type { Entry } from './contract.ts';

const EXCERPT = 80;

/** Text that is no JSON costs its own entry alone: `fault` says so, with its beginning. What the JSON holds is for the ledger to check. */
export function entryOf(key: string, json: string, modifyIndex: number): Entry {
  try {
    const value: unknown = JSON.parse(json);
    return { key, value, modifyIndex };
  } catch {
    return { key, value: undefined, modifyIndex, fault: `not JSON: ${JSON.stringify(json.slice(0, EXCERPT))}` };
  }
}
