/** `arpanet recover`. Effects: HTTP requests to agents and Engines, the store, the terminal. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { ArpanetError, keys } from '../../../model/index.ts';
import { environmentName } from '../../../config/options.ts';
import {
  caIn,
  gatherHosts,
  planRecovery,
  readBackup,
  recoveringScheduler,
  recoveryText,
  RESTORED_EPOCHS,
  trustRecords,
} from '../../../recovery/index.ts';
import { judgeLabels } from '../../../scheduler/index.ts';
import { ensureClusterKeys, readJoinToken } from '../../../security/index.ts';
import { keyFileOf, restoreStore } from '../../../store/index.ts';
import type { Terminal } from '../../command.ts';
import { NEXT_STEPS, withStore } from './open-store.ts';
import type { RestoreFlags } from './restore.ts';

export interface RecoverFlags extends RestoreFlags {
  readonly tokenFile?: string;
  readonly backup?: string;
  readonly trustLabels?: boolean;
  readonly without?: readonly string[];
  readonly plan?: boolean;
  readonly json?: boolean;
}

/**
 * Throws `invalid` without the join token, `unavailable` for a host that does not answer, `conflict` where the hosts belong to several clusters, or
 * where labels are not proven and the operator has not said that they are right.
 */
export async function recover(agents: readonly string[], flags: RecoverFlags, { env, out, say }: Terminal): Promise<void> {
  const given = flags.tokenFile === undefined ? env['ARPANET_JOIN_TOKEN'] : readFileSync(flags.tokenFile, 'utf8').trim();
  if (given === undefined || given === '')
    throw new ArpanetError('invalid', 'the agents require the join token that they were started with: ARPANET_JOIN_TOKEN or --token-file');
  const token = readJoinToken(given).secret;
  const backup = flags.backup === undefined ? undefined : keyFrom(flags.backup);
  const ca = backup && caIn(backup.records);
  if (ca !== undefined && flags.store.startsWith('consul:') && (env[environmentName('cluster-key')] ?? '') === '')
    throw new ArpanetError(
      'invalid',
      "the key of the cluster's CA would be in Consul in clear: set ARPANET_CLUSTER_KEY to the key file of the schedulers",
    );
  if (ca !== undefined && flags.store.startsWith('embedded:') && (env[environmentName('cluster-key')] ?? '') === '')
    ensureClusterKeys(keyFileOf(flags.store.slice('embedded:'.length)));
  const credentials = ca && (await recoveringScheduler(ca, Date.now));
  const { hosts, missing, shown } = await gatherHosts(agents, token, credentials, pino({ level: 'silent' }));
  const unexplained = missing.filter(({ name }) => flags.without?.includes(name) !== true);
  const recovery = planRecovery(hosts, {
    nowMs: Date.now(),
    token,
    newClusterId: randomBytes(32).toString('hex'),
    epochsAbove: RESTORED_EPOCHS,
    labelKey: backup?.labelKey,
    // without the key it is shown what would be taken over
    isTrusting: flags.trustLabels === true || backup === undefined,
    judge: judgeLabels,
  });
  out(`${flags.json === true ? JSON.stringify(recovery, undefined, 2) : recoveryText(recovery)}\n`);
  for (const { name, why } of unexplained) say(`${name} does not answer: ${why}`);
  if (unexplained.length > 0)
    throw new ArpanetError(
      'unavailable',
      `what runs on ${unexplained.map(({ name }) => name).join(', ')} would lose its addresses and names: start its agent again, or give --without ${unexplained[0]?.name} if the host is lost permanently`,
    );
  if (recovery.refusals.length > 0) throw new ArpanetError('conflict', recovery.refusals.join('; '));
  if (backup !== undefined && backup.clusterId !== recovery.clusterId)
    throw new ArpanetError(
      'conflict',
      `${flags.backup} is a backup of cluster ${backup.clusterId.slice(0, 12)}, and the hosts belong to ${recovery.clusterId.slice(0, 12)}`,
    );
  if (recovery.unproven.length > 0 && flags.trustLabels !== true && flags.plan !== true)
    throw new ArpanetError(
      'conflict',
      `nothing proves what the labels of ${recovery.unproven.length} containers say (${some(recovery.unproven)}), as the key that they were signed with is lost with the store. Give any backup of this cluster, however old (--backup FILE): it has the key. Without one, read the plan (--plan): what each container is, and its addresses. If that is right, repeat with --trust-labels`,
    );
  if (flags.plan === true) return say('nothing was written (--plan)');
  const records = ca === undefined || backup === undefined ? recovery.records : trustRecords(ca, backup.records, shown, recovery.records);
  await withStore(flags.store, env, (store) => restoreStore(store, records, 'arpanet recover', flags.force === true));
  say(`${records.length} records are in ${flags.store}; ${NEXT_STEPS}`);
}

/** What labels on containers are signed with, of which cluster. Throws `invalid` for a backup without it. */
function keyFrom(file: string): Pick<ReturnType<typeof readBackup>, 'clusterId' | 'records'> & { readonly labelKey: string } {
  const { records, clusterId } = readBackup(readFileSync(file, 'utf8'));
  const labelKey = records.find(([key]) => key === keys.labelKey)?.[1];
  if (typeof labelKey !== 'string' || labelKey === '')
    throw new ArpanetError('invalid', `${file} has no key for labels: an older version made it. Without it: --trust-labels`);
  return { clusterId, records, labelKey };
}

function some(names: readonly string[]): string {
  return names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')}, …`;
}

const SHOWN = 5;
