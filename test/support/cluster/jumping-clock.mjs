/**
 * Preloaded into a process (`NODE_OPTIONS=--import=…`), its wall clock is ahead by the milliseconds that the file ARPANET_TEST_CLOCK holds, from the
 * moment they are written. Monotonic clocks and timers go on as they do when an administrator sets the clock.
 */
import { readFileSync } from 'node:fs';

const { now: realNow } = Date;
let ahead = 0;
let lookedAt = Number.NEGATIVE_INFINITY;

function jumped() {
  if (performance.now() - lookedAt > 20) {
    lookedAt = performance.now();
    try {
      ahead = Number(readFileSync(process.env.ARPANET_TEST_CLOCK ?? '', 'utf8'));
    } catch {
      ahead = 0; // nobody has set it yet
    }
  }
  return realNow() + ahead;
}

globalThis.Date = class extends Date {
  constructor(...given) {
    if (given.length === 0) super(jumped());
    else super(...given);
  }
  static now() {
    return jumped();
  }
};
