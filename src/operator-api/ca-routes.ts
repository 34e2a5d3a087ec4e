/** The cluster's CAs: what they are, and their rotation. For administrators. Effects: express; the work itself is the leader's. */
import type { Router } from 'express';
import { bodyOf, readBytes } from './bodies.ts';

/** Which CAs are trusted, and who keeps the one before from being forgotten. */
export interface CaReport {
  /** The one that signs first. `fingerprint`: SHA-256 of the certificate, 64 hexadecimal digits. */
  readonly authorities: readonly { readonly fingerprint: string; readonly signs: boolean; readonly untilMs: number }[];
  /** The last time that another one was made; absent: never. */
  readonly rotatedMs?: number;
  /** Hosts whose certificate is of a CA before. */
  readonly hosts: readonly string[];
  /** Users who have no certificate but of a CA before. */
  readonly users: readonly string[];
}

/** What an administrator can do with them. */
export interface CaOperations {
  /** Throws `unavailable` where the cluster has none. */
  readonly report: () => CaReport;
  /** Throws `conflict` while another rotation is under way. */
  readonly rotate: () => Promise<CaReport>;
  /** Throws `conflict` where there is nothing to finish, or while somebody needs the CA before. */
  readonly finish: (isForced: boolean) => Promise<CaReport>;
}

export function caRoutes(router: Router, cas: () => CaOperations): void {
  router.get('/cas', (_request, response) => {
    response.json(cas().report());
  });
  router.post('/cas/rotate', async (_request, response) => {
    response.json(await cas().rotate());
  });
  router.post('/cas/finish', readBytes(), async (request, response) => {
    response.json(await cas().finish(bodyOf(request, 'CaFinishRequest').force === true));
  });
}
