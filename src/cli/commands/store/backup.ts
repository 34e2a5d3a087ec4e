/** `arpanet backup`. Effects: HTTP requests or the store, a file, the terminal. */
import { keys } from '../../../model/index.ts';
import { backupText, readBackup } from '../../../recovery/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { VERSION } from '../../../config/version.ts';
import { writeDurably } from '../../../files/durable-file.ts';
import { withStore } from './open-store.ts';

export interface BackupFlags extends ClientFlags {
  readonly store?: string;
}

/** To a file that only its owner may read (it holds the join token); `-` is standard output. */
export async function backup(file: string, flags: BackupFlags, terminal: Terminal): Promise<void> {
  const { env, out, say } = terminal;
  const records =
    flags.store === undefined
      ? await clientCall(flags, terminal).api.v1.call('getBackup')
      : await withStore(flags.store, env, async (store) => (await store.list(keys.root)).map(({ key, value }) => [key, value] as const));
  const text = backupText(records, new Date().toISOString(), VERSION);
  if (file === '-') return out(text);
  await writeDurably(file, text);
  say(`${file}: ${readBackup(text).records.length} records`);
}
