/** Whether another scheduler answers. Effects: one HTTP request. */
import type { ConnectionOptions } from 'node:tls';
import { shortRequest } from '../engine/index.ts';

/** Within which a leader answers, unless it is frozen, cut off, or buried in work. */
const TIMEOUT_MS = 1_000;

/** A refused connection proves that no process listens there any more. `tls`: for one that is reached by https. */
export const createProbe =
  (tls: () => ConnectionOptions) =>
  async (url: string): Promise<'alive' | 'refused' | 'unknown'> => {
    try {
      await shortRequest({ url: `${url}/arpanet/v1/health`, signal: AbortSignal.timeout(TIMEOUT_MS), tls: tls() });
      return 'alive';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ECONNREFUSED' ? 'refused' : 'unknown';
    }
  };
