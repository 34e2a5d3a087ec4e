/** `arpanet recover`. Effects: HTTP requests to agents and Engines, the store, the terminal. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { ArpanetError, keys } from '../../../model/index.ts';
import { environmentName } from '../../../config/options.ts';
import {
  type BackedUp,
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
import { ensureClusterKeys, identityCopiesOf, readClusterKeys, readIdentityCopy, readJoinToken } from '../../../security/index.ts';
import { keyFileOf, restoreStore } from '../../../store/index.ts';
import type { Terminal } from '../../command.ts';
import { NEXT_STEPS, readGiven, withStore } from './open-store.ts';
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
  const given = flags.tokenFile === undefined ? env['ARPANET_JOIN_TOKEN'] : readGiven('--token-file', flags.tokenFile).trim();
  if (given === undefined || given === '')
    throw new ArpanetError('invalid', 'the agents require the join token that they were started with: ARPANET_JOIN_TOKEN or --token-file');
  const token = readJoinToken(given).secret;
  const own = env[environmentName('cluster-key')] ?? '';
  const keyFile = own !== '' ? own : flags.store.startsWith('embedded:') ? keyFileOf(flags.store.slice('embedded:'.length)) : undefined;
  const candidates = flags.backup !== undefined ? [keyFrom(flags.backup)] : keyFile === undefined ? [] : copiesBeside(keyFile, say);
  const { known, found } = await gatherAs(candidates, flags.backup !== undefined, agents, token);
  const { hosts, missing, shown } = found;
  const ca = known && caIn(known.records);
  if (ca !== undefined && flags.store.startsWith('consul:') && own === '')
    throw new ArpanetError(
      'invalid',
      "the key of the cluster's CA would be in Consul in clear: set ARPANET_CLUSTER_KEY to the key file of the schedulers",
    );
  const unexplained = missing.filter(({ name }) => flags.without?.includes(name) !== true);
  const recovery = planRecovery(hosts, {
    nowMs: Date.now(),
    token,
    newClusterId: randomBytes(32).toString('hex'),
    epochsAbove: RESTORED_EPOCHS,
    labelKey: known?.labelKey,
    // without the key it is shown what would be taken over
    isTrusting: flags.trustLabels === true || known === undefined,
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
  if (known !== undefined && known.clusterId !== recovery.clusterId)
    throw new ArpanetError(
      'conflict',
      `${known.file} is of cluster ${known.clusterId.slice(0, 12)}, and the hosts belong to ${recovery.clusterId.slice(0, 12)}`,
    );
  if (recovery.unproven.length > 0 && flags.trustLabels !== true && flags.plan !== true)
    throw new ArpanetError(
      'conflict',
      `nothing proves what the labels of ${recovery.unproven.length} containers say (${some(recovery.unproven)}), as the key that they were signed with is lost with the store. Give any backup of this cluster, however old (--backup FILE): it has the key; or run this on a scheduler, with ARPANET_CLUSTER_KEY: a copy lies beside that file. Without both, read the plan (--plan): what each container is, and its addresses. If that is right, repeat with --trust-labels`,
    );
  if (flags.plan === true) return say('nothing was written (--plan)');
  if (ca !== undefined && own === '' && keyFile !== undefined) ensureClusterKeys(keyFile);
  const records = ca === undefined || known === undefined ? recovery.records : trustRecords(ca, known.records, shown, recovery.records);
  await withStore(flags.store, env, (store) => restoreStore(store, records, 'arpanet recover', flags.force === true));
  say(`${records.length} records are in ${flags.store}; ${NEXT_STEPS}`);
}

/** What the lost store is known by. */
interface Known {
  readonly file: string;
  readonly clusterId: string;
  readonly records: readonly BackedUp[];
  /** What labels on containers are signed with. */
  readonly labelKey: string;
}

/** Throws `invalid` for a backup without the key for labels. */
function keyFrom(file: string): Known {
  const { records, clusterId } = readBackup(readGiven('--backup', file));
  const labelKey = textAt(records, keys.labelKey);
  if (labelKey === undefined)
    throw new ArpanetError('invalid', `${file} has no key for labels: an older version made it. Without it: --trust-labels`);
  return { file, clusterId, records, labelKey };
}

/** What schedulers have kept beside their cluster key. One that cannot be read is said, and costs itself alone. */
function copiesBeside(keyFile: string, say: Terminal['say']): readonly Known[] {
  const cluster = readClusterKeys(keyFile);
  if (cluster === undefined) return [];
  return identityCopiesOf(keyFile).flatMap((file): readonly Known[] => {
    try {
      const records = readIdentityCopy(file, cluster) ?? [];
      const [clusterId, labelKey] = [textAt(records, keys.clusterId), textAt(records, keys.labelKey)];
      return clusterId === undefined || labelKey === undefined ? [] : [{ file, clusterId, records, labelKey }];
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      return [];
    }
  });
}

const textAt = (records: readonly BackedUp[], key: string): string | undefined => {
  const found = records.find(([one]) => one === key)?.[1];
  return typeof found === 'string' && found !== '' ? found : undefined;
};

/** Asks the hosts as a scheduler of the cluster that is theirs, of those that this machine knows of. */
async function gatherAs(
  candidates: readonly Known[],
  isGiven: boolean,
  agents: readonly string[],
  token: string,
): Promise<{ readonly known: Known | undefined; readonly found: Awaited<ReturnType<typeof gatherHosts>> }> {
  const ask = async (known: Known | undefined) => {
    const ca = known && caIn(known.records);
    const credentials = ca && (await recoveringScheduler(ca, Date.now));
    return { known, found: await gatherHosts(agents, token, credentials, pino({ level: 'silent' })) };
  };
  let last: Awaited<ReturnType<typeof ask>> | undefined;
  for (const known of candidates) {
    last = await ask(known);
    const { hosts } = last.found;
    if (hosts.some(({ kept }) => kept.clusterId === known.clusterId)) return last;
  }
  // a backup was given by a person; a copy may be of a cluster that was founded here by mistake
  return last !== undefined && isGiven ? last : await ask(undefined);
}

function some(names: readonly string[]): string {
  return names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')}, …`;
}

const SHOWN = 5;
