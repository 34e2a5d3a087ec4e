/** The cluster key: which seals, who has it, and its rotation. For administrators; the keys themselves are not shown. Effects: express; the work itself is the leader's. */
import type { Router } from 'express';

/** What the cluster keys are called, which tells nothing of them. */
export interface KeyReport {
  /** The one that seals first; those behind it open what they have sealed. */
  readonly keys: readonly string[];
  /** Names of schedulers that do not have the one that seals. */
  readonly missing: readonly string[];
}

/** What an administrator can do with them. */
export interface KeyOperations {
  /** Throws `unavailable` where nothing is sealed. */
  readonly report: () => KeyReport;
  /** Throws `conflict` where a scheduler does not get the new key; nothing is sealed with it then. */
  readonly rotate: () => Promise<KeyReport>;
}

export function keyRoutes(router: Router, keys: () => KeyOperations): void {
  router.get('/keys', (_request, response) => {
    response.json(keys().report());
  });
  router.post('/keys/rotate', async (_request, response) => {
    response.json(await keys().rotate());
  });
}
