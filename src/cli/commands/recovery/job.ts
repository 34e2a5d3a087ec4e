/** What `arpanet backup`, `restore` and `recover` do. Effects: the store, agents, files, the terminal. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { storeUrl } from '../../../config/index.ts';
import { ArpanetError, keys } from '../../../model/index.ts';
import { backupText, gatherHosts, planRecovery, readBackup, recoveryText, RESTORED_EPOCHS } from '../../../recovery/index.ts';
import { recordFromLabels, requestFromLabels } from '../../../scheduler/index.ts';
import { restoreStore, openConsul, openEmbedded, type StateStore } from '../../../store/index.ts';
import { type AskingFlags, endpointOf, type Terminal } from '../../api-client.ts';
import { VERSION } from '../../version.ts';

export interface BackupFlags extends AskingFlags {
  readonly store?: string;
}

export interface RestoreFlags {
  readonly store: string;
  readonly force?: boolean;
}

export interface RecoverFlags extends RestoreFlags {
  readonly tokenFile?: string;
  readonly without?: readonly string[];
  readonly plan?: boolean;
  readonly json?: boolean;
}

const AFTERWARDS = 'start the schedulers; the agents join by themselves; then: arpanet audit';

export async function backup(file: string, flags: BackupFlags, { env, out, say }: Terminal): Promise<void> {
  const records =
    flags.store === undefined
      ? await endpointOf(flags, env).json<readonly (readonly [string, unknown])[]>('/arpanet/v1/backup')
      : await withStore(flags.store, async (store) => (await store.list(keys.root)).map(({ key, value }) => [key, value] as const));
  const text = backupText(records, new Date().toISOString(), VERSION);
  if (file === '-') return out(text);
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  say(`${file}: ${readBackup(text).records.length} records`);
}

export async function restore(file: string, flags: RestoreFlags, { say }: Terminal): Promise<void> {
  const { records, epoch, madeAt } = readBackup(readFileSync(file === '-' ? 0 : file, 'utf8'));
  const raised = records.map(([key, value]) => [key, key === keys.epoch ? epoch + RESTORED_EPOCHS : value] as const);
  await withStore(flags.store, (store) => restoreStore(store, raised, 'arpanet restore', flags.force === true));
  say(`${records.length} records of ${madeAt} are in ${flags.store}; the next epoch is ${epoch + RESTORED_EPOCHS + 1}; ${AFTERWARDS}`);
}

export async function recover(agents: readonly string[], flags: RecoverFlags, { env, out, say }: Terminal): Promise<void> {
  const token = flags.tokenFile === undefined ? env['ARPANET_JOIN_TOKEN'] : readFileSync(flags.tokenFile, 'utf8').trim();
  if (token === undefined || token === '')
    throw new ArpanetError(
      'invalid',
      'the agents answer to the join token only: ARPANET_JOIN_TOKEN or --token-file, as they were started with',
    );
  const { hosts, missing } = await gatherHosts(agents, token, quiet);
  const unexplained = missing.filter(({ name }) => flags.without?.includes(name) !== true);
  const recovery = planRecovery(hosts, {
    nowMs: Date.now(),
    token,
    newClusterId: randomBytes(32).toString('hex'),
    epochsAbove: RESTORED_EPOCHS,
    labelled: recordFromLabels,
    requestOf: requestFromLabels,
  });
  out(`${flags.json === true ? JSON.stringify(recovery, undefined, 2) : recoveryText(recovery)}\n`);
  for (const { name, why } of unexplained) say(`${name} cannot be asked: ${why}`);
  if (unexplained.length > 0)
    throw new ArpanetError(
      'unavailable',
      `what runs on ${unexplained.map(({ name }) => name).join(', ')} would lose its addresses and names: bring it back, or say --without ${unexplained[0]?.name} if it is gone for good`,
    );
  if (recovery.refusals.length > 0) throw new ArpanetError('conflict', recovery.refusals.join('; '));
  if (flags.plan === true) return say('nothing was written (--plan)');
  await withStore(flags.store, (store) => restoreStore(store, recovery.records, 'arpanet recover', flags.force === true));
  say(`${recovery.records.length} records are in ${flags.store}; ${AFTERWARDS}`);
}

const quiet = pino({ level: 'silent' });

async function withStore<T>(url: string, use: (store: StateStore) => Promise<T>): Promise<T> {
  const place = storeUrl.safeParse(url);
  if (!place.success) throw new ArpanetError('invalid', `--store is "${url}": write consul://HOST:PORT or embedded:DIR`);
  const at = place.data;
  await using store = at.kind === 'consul' ? await openConsul(`${at.host}:${at.port}`, { log: quiet }) : await openEmbedded(at.dir, quiet);
  return await use(store);
}
