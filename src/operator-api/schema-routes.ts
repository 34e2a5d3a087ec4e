/** Which schema the records of the store have, and that a newer one comes into force. Effects: express; the work itself is the leader's. */
import type { Router } from 'express';

/** The answer of `GET` and `POST /arpanet/v1/schema`. */
export interface SchemaReport {
  /** Which one is in force: no record is of a newer one. */
  readonly schema: number;
  /** Which is the highest that the leader can write. */
  readonly newest: number;
  /** Which schedulers cannot read the newest yet; absent: all can, or it is in force. */
  readonly waitsFor?: string;
}

/** What operators ask of the leader about it. */
export interface SchemaOperations {
  readonly report: () => SchemaReport;
  /** Brings the newest into force. Throws `conflict` naming who cannot read it, `unavailable` for a leader of a moment. */
  readonly confirm: () => Promise<SchemaReport>;
}

export function schemaRoutes(router: Router, schema: () => SchemaOperations): void {
  router.get('/schema', (_request, response) => {
    response.json(schema().report());
  });
  router.post('/schema', async (_request, response) => {
    response.json(await schema().confirm());
  });
}
