/** Effects: one HTTP request to another scheduler. A refused connection proves that no process listens there any more. */
export async function probe(url: string): Promise<'alive' | 'refused' | 'unknown'> {
  try {
    await fetch(`${url}/arpanet/v1/health`, { signal: AbortSignal.timeout(2000) });
    return 'alive';
  } catch (error) {
    const code = (error as { cause?: { code?: string } }).cause?.code;
    return code === 'ECONNREFUSED' ? 'refused' : 'unknown';
  }
}
