/** `arpanet backup`, `restore` and `recover`. Effects: the store, agents, files, the terminal. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { pino } from 'pino';
import { storeUrl } from '../config/index.ts';
import { ArpanetError, keys } from '../model/index.ts';
import { backupText, gatherHosts, planRecovery, readBackup, recoveryText, RESTORED_EPOCHS } from '../recovery/index.ts';
import { recordFromLabels, requestFromLabels } from '../scheduler/index.ts';
import { fillStore, openConsul, openEmbedded, type StateStore } from '../store/index.ts';
import { askingCommand, type AskingFlags, endpointOf, type Terminal } from './asking.ts';
import { VERSION } from './version.ts';

interface RecoverFlags {
  readonly store: string;
  readonly tokenFile?: string;
  readonly without?: readonly string[];
  readonly plan?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const AFTERWARDS = 'start the schedulers; the agents join by themselves; then: arpanet audit';

export function addRecoveryCommands(root: Command, terminal: Terminal): void {
  const { env, out, say } = terminal;
  askingCommand(root, 'backup <file>', 'write all that the store holds to a file (- for standard output); it holds the join token', [
    'arpanet backup arpanet-2026-11-20.backup',
    'arpanet backup --store consul://127.0.0.1:8500 -   # without a scheduler',
  ])
    .option('--store <URL>', 'read this store (consul://HOST:PORT or embedded:DIR) instead of asking a scheduler')
    .action(async (file: string, flags: AskingFlags & { readonly store?: string }) => {
      const records =
        flags.store === undefined
          ? await endpointOf(flags, env).json<readonly (readonly [string, unknown])[]>('/arpanet/v1/backup')
          : await withStore(flags.store, async (store) => (await store.list(keys.root)).map(({ key, value }) => [key, value] as const));
      const text = backupText(records, new Date().toISOString(), VERSION);
      if (file === '-') return out(text);
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
      say(`${file}: ${readBackup(text).records.length} records`);
    });

  const storing = (words: string, summary: string, examples: readonly string[]) =>
    root
      .command(words)
      .description(summary)
      .requiredOption('--store <URL>', 'the store to fill: consul://HOST:PORT or embedded:DIR; no scheduler may run on it')
      .option('--force', 'replace what the store holds')
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
      .exitOverride();

  storing('restore <file>', 'fill an empty store from a backup, with all schedulers stopped', [
    'arpanet restore --store consul://127.0.0.1:8500 arpanet-2026-11-20.backup',
  ]).action(async (file: string, flags: { readonly store: string; readonly force?: boolean }) => {
    const { records, epoch, madeAt } = readBackup(readFileSync(file === '-' ? 0 : file, 'utf8'));
    const raised = records.map(([key, value]) => [key, key === keys.epoch ? epoch + RESTORED_EPOCHS : value] as const);
    await withStore(flags.store, (store) => fillStore(store, raised, 'arpanet restore', flags.force === true));
    say(`${records.length} records of ${madeAt} are in ${flags.store}; the next epoch is ${epoch + RESTORED_EPOCHS + 1}; ${AFTERWARDS}`);
  });

  storing('recover <agents...>', "make a lost store anew from the Engines' labels and what the agents keep", [
    'arpanet recover 10.0.0.11:2376 --store consul://127.0.0.1:8500 --token-file join-token --plan',
    'arpanet recover 10.0.0.11:2376 10.0.0.12:2376 --store consul://127.0.0.1:8500 --token-file join-token',
  ])
    .option('--token-file <FILE>', 'file that holds the join token that the agents were started with (or ARPANET_JOIN_TOKEN)')
    .option(
      '--without <HOST>',
      'go on without this host, which is lost; may be given several times',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .option('--plan', 'say what would be written, and write nothing')
    .option('--json', 'print the records as JSON')
    .action(async (agents: readonly string[], flags: RecoverFlags) => {
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
      await withStore(flags.store, (store) => fillStore(store, recovery.records, 'arpanet recover', flags.force === true));
      say(`${recovery.records.length} records are in ${flags.store}; ${AFTERWARDS}`);
    });
}

const quiet = pino({ level: 'silent' });

async function withStore<T>(url: string, use: (store: StateStore) => Promise<T>): Promise<T> {
  const place = storeUrl.safeParse(url);
  if (!place.success) throw new ArpanetError('invalid', `--store is "${url}": write consul://HOST:PORT or embedded:DIR`);
  const at = place.data;
  await using store = at.kind === 'consul' ? await openConsul(`${at.host}:${at.port}`, { log: quiet }) : await openEmbedded(at.dir, quiet);
  return await use(store);
}
