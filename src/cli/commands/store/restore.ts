/** `arpanet restore`. Effects: a file, the store, the terminal. */
import { keys } from '../../../model/index.ts';
import { readBackup, RESTORED_EPOCHS } from '../../../recovery/index.ts';
import { restoreStore } from '../../../store/index.ts';
import type { Terminal } from '../../command.ts';
import { NEXT_STEPS, readGiven, withStore } from './open-store.ts';

export interface RestoreFlags {
  readonly store: string;
  readonly force?: boolean;
}

/** `-` is standard input. Throws `invalid` for a file that is cut or changed, `conflict` for a store that is not empty unless `--force`. */
export async function restore(file: string, flags: RestoreFlags, { env, say }: Terminal): Promise<void> {
  const { records, epoch, madeAt } = readBackup(readGiven('the backup', file));
  // a join token of a single use that was used since would join another host
  const lasting = records.filter(([key]) => !key.startsWith(keys.passes));
  const raised = lasting.map(([key, value]) => [key, key === keys.epoch ? epoch + RESTORED_EPOCHS : value] as const);
  await withStore(flags.store, env, (store) => restoreStore(store, raised, 'arpanet restore', flags.force === true));
  say(`${raised.length} records of ${madeAt} are in ${flags.store}; the next epoch is ${epoch + RESTORED_EPOCHS + 1}; ${NEXT_STEPS}`);
}
