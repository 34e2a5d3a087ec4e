/**
 * Which schema the records get. A leader raises it to its own release's once every scheduler that runs can read that, so that any of them may lead at any moment of an
 * upgrade; records of before stay as they are until they are written again. Effects: the ledger, a timer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { keys, STORE_SCHEMA } from '../../model/index.ts';
import type { Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

const LOOK_MS = 1_000;

interface StoreSchemaDeps {
  readonly ledger: Pick<Ledger, 'get' | 'commit'>;
  /** Names of the other schedulers that cannot read this schema. */
  readonly withoutSchema: (schema: number) => readonly string[];
  /** False while a scheduler that runs may not have said yet what it reads. */
  readonly isSettled: () => boolean;
  readonly log: Logger;
  readonly lookMs?: number;
}

/** Ends once the store has this release's schema, or the signal aborts. Never rejects. */
export async function raiseStoreSchema(
  { ledger, withoutSchema, isSettled, log, lookMs = LOOK_MS }: StoreSchemaDeps,
  signal: AbortSignal,
): Promise<void> {
  let isSaid = false;
  while (!signal.aborted && ledger.get(keys.schema) !== STORE_SCHEMA) {
    const older = withoutSchema(STORE_SCHEMA);
    if (isSettled() && older.length === 0)
      await ledger.commit([{ kind: 'put', key: keys.schema, value: STORE_SCHEMA }]).then(
        () => log.info({ schema: STORE_SCHEMA }, 'every scheduler reads this schema: records get it from now on'),
        (err: unknown) => log.debug({ err }, 'the schema of the store is not raised'),
      );
    else if (isSettled() && !isSaid) {
      isSaid = true;
      log.warn({ older, schema: STORE_SCHEMA }, 'records keep the schema before: these schedulers are of an older release; upgrade them');
    }
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
}
