/**
 * Seeded fuzzing: the same seed makes the same input. Some seconds in `npm test`; longer by hand with ARPANET_FUZZ_SECONDS=600, and with
 * ARPANET_FUZZ_SEED the input of a failure again.
 */
import { promisedMs } from './promised.ts';

const SECONDS = Number(process.env['ARPANET_FUZZ_SECONDS'] ?? 2);

export interface Chance {
  readonly seed: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A whole number below `end`. */
  readonly below: (end: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly bytes: (length: number) => Buffer;
  /** A copy with some bytes changed, removed, doubled, or cut off. */
  readonly damaged: (input: Buffer) => Buffer;
  /** A copy of parsed JSON in which one value somewhere is another one. */
  readonly twisted: (value: unknown) => unknown;
}

/** mulberry32, by Tommy Ettinger: small and good enough. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(random() * end);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)));
  const odd = (): unknown =>
    pick<unknown>([
      null,
      0,
      -1,
      1e308,
      2 ** 60,
      '',
      'x',
      '\n',
      '../../x',
      [],
      {},
      [null],
      { a: null },
      true,
      'y'.repeat(10_000),
      deep(200),
    ]);
  const twisted = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || random() < 0.15) return odd();
    const entries = Object.entries(value);
    if (entries.length === 0) return odd();
    const at = below(entries.length);
    const changed = entries.map(([key, inner], index): [string, unknown] => (index === at ? [key, twisted(inner)] : [key, inner]));
    const left = random() < 0.1 ? changed.filter((_, index) => index !== at) : changed;
    return Array.isArray(value) ? left.map(([, inner]) => inner) : Object.fromEntries(left);
  };
  return {
    seed,
    random,
    below,
    pick,
    bytes,
    damaged(input) {
      let output = Buffer.from(input);
      for (let times = 1 + below(4); times > 0; times--) {
        const at = below(output.length + 1);
        const kind = below(5);
        if (kind === 0 && output.length > 0) output[Math.min(at, output.length - 1)] = below(256);
        else if (kind === 1) output = output.subarray(0, at);
        else if (kind === 2) output = Buffer.concat([output.subarray(0, at), bytes(below(20)), output.subarray(at)]);
        else if (kind === 3) output = Buffer.concat([output, output.subarray(at)]);
        else output = Buffer.concat([output.subarray(0, at), output.subarray(at + 1 + below(8))]);
      }
      return output;
    },
    twisted,
  };
}

const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

/** A step that takes longer hangs: it fails with its seed, and does not stop the whole file. Far more than a step needs on a slow machine. */
const STEP_MS = 20_000;

async function bounded(step: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`this step has not ended within ${STEP_MS / 1_000} s`)), promisedMs(STEP_MS));
  });
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `step` again and again with new chance, for some seconds; an error says which seed makes it again. */
export async function fuzz(step: (chance: Chance) => void | Promise<void>): Promise<number> {
  const given = process.env['ARPANET_FUZZ_SEED'];
  const first = given === undefined ? 1 : Number(given);
  const endMs = performance.now() + (given === undefined ? SECONDS * 1_000 : 0);
  let steps = 0;
  for (let seed = first; steps === 0 || performance.now() < endMs; seed++) {
    try {
      const running = step(chanceOf(seed));
      if (running !== undefined) await bounded(running);
    } catch (cause) {
      throw new Error(`fuzzing failed with ARPANET_FUZZ_SEED=${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
    steps += 1;
  }
  return steps;
}
