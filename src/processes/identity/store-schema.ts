/** The schema of the records in the store: which one is in force, and how another one comes into force. Effects: the ledger. */
import { ArpanetError, keys, STORE_SCHEMA, storeSchemaOf } from '../../model/index.ts';
import type { SchemaOperations } from '../../operator-api/index.ts';
import type { Change, Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface StoreSchemaDeps {
  readonly ledger: Pick<Ledger, 'get' | 'commit'>;
  /** Names of the other schedulers that cannot read this schema. */
  readonly withoutSchema: (schema: number) => readonly string[];
  /** All that run have had the time to say which schemas they read, since this one leads. */
  readonly isSettled: () => boolean;
  readonly log: Logger;
}

/** What is written, once for each schema, before records of it may be. It runs again if it was ended in between: what is converted already stays as it is. */
export type Migrations = Readonly<Record<number, (ledger: Pick<Ledger, 'get'>) => readonly Change[]>>;

/** Schema 2 changes none of before: records become smaller when they are written next. */
const MIGRATIONS: Migrations = {};

/** A store of an older release stays as that one can read it until an administrator confirms: as long as it does, the older release may lead again. */
export function createStoreSchema(
  { ledger, withoutSchema, isSettled, log }: StoreSchemaDeps,
  ours = STORE_SCHEMA,
  migrations = MIGRATIONS,
): SchemaOperations {
  const current = () => storeSchemaOf(ledger.get(keys.schema));
  const waitsFor = (): string | undefined => {
    const older = withoutSchema(ours);
    if (older.length === 0) return undefined;
    return `not all schedulers can read records of schema ${ours}: upgrade ${older.join(', ')} first ("arpanet upgrade")`;
  };
  return {
    report() {
      const schema = current();
      const why = schema >= ours ? undefined : waitsFor();
      return { schema, newest: ours, ...(why !== undefined && { waitsFor: why }) };
    },
    async confirm() {
      const before = current();
      if (before >= ours) return { schema: before, newest: ours };
      if (!isSettled())
        throw new ArpanetError(
          'unavailable',
          'this leader was elected a moment ago, and other schedulers may not have reported yet: try again',
        );
      const why = waitsFor();
      if (why !== undefined) throw new ArpanetError('conflict', why);
      for (let schema = before + 1; schema <= ours; schema += 1) {
        for (const change of migrations[schema]?.(ledger) ?? []) await ledger.commit([change]);
        await ledger.commit([{ kind: 'put', key: keys.schema, value: schema }]);
      }
      log.info(
        { before, schema: ours },
        'the state store has records of a newer schema from now on: releases that cannot read it lead no more',
      );
      return { schema: ours, newest: ours };
    },
  };
}
