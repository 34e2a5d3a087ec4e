/** Entries of a store, made of stored text. Pure. */
import { parseJson } from '../schemas/index.ts';
import type { Entry } from './contract.ts';

/** Text that is no JSON costs its own entry alone: `fault` says what is wrong. */
export function entryOf(key: string, json: string, modifyIndex: number): Entry {
  try {
    return { key, value: parseJson(json), modifyIndex };
  } catch (error) {
    return { key, value: undefined, modifyIndex, fault: error instanceof Error ? error.message : String(error) };
  }
}
