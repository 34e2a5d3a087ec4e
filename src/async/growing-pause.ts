/** How long to wait before something that fails is tried again. */

export interface GrowingPause {
  /** Milliseconds: `firstMs`, then twice as long each time, at most `mostMs`. */
  next(): number;
  /** It worked: the next pause is `firstMs` again. */
  reset(): void;
}

/** A pause that doubles from `firstMs` to `mostMs`, in milliseconds. */
export function growingPause(firstMs: number, mostMs: number): GrowingPause {
  let pauseMs = firstMs;
  return {
    next() {
      const now = pauseMs;
      pauseMs = Math.min(pauseMs * 2, mostMs);
      return now;
    },
    reset() {
      pauseMs = firstMs;
    },
  };
}
