/** Whether another scheduler answers. Effects: one HTTP request. */

/** Within which a leader answers, unless it is frozen, cut off, or buried in work. */
const TIMEOUT_MS = 1_000;

/** A refused connection proves that no process listens there any more. */
export async function probe(url: string): Promise<'alive' | 'refused' | 'unknown'> {
  try {
    await fetch(`${url}/arpanet/v1/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return 'alive';
  } catch (error) {
    const code = (error as { cause?: { code?: string } }).cause?.code;
    return code === 'ECONNREFUSED' ? 'refused' : 'unknown';
  }
}
