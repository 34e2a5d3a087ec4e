/** `arpanet recover`. Effects: HTTP requests to agents and Engines, the store, the terminal. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { ArpanetError } from '../../../model/errors.ts';
import { gatherHosts, planRecovery, recoveryText, RESTORED_EPOCHS } from '../../../recovery/index.ts';
import { recordFromLabels, requestFromLabels } from '../../../scheduler/index.ts';
import { restoreStore } from '../../../store/index.ts';
import type { Terminal } from '../../command.ts';
import { NEXT_STEPS, withStore } from './open-store.ts';
import type { RestoreFlags } from './restore.ts';

export interface RecoverFlags extends RestoreFlags {
  readonly tokenFile?: string;
  readonly without?: readonly string[];
  readonly plan?: boolean;
  readonly json?: boolean;
}

/** Throws `invalid` without the join token, `unavailable` for a host that does not answer, `conflict` where the hosts belong to several clusters. */
export async function recover(agents: readonly string[], flags: RecoverFlags, { env, out, say }: Terminal): Promise<void> {
  const token = flags.tokenFile === undefined ? env['ARPANET_JOIN_TOKEN'] : readFileSync(flags.tokenFile, 'utf8').trim();
  if (token === undefined || token === '')
    throw new ArpanetError('invalid', 'the agents require the join token that they were started with: ARPANET_JOIN_TOKEN or --token-file');
  const { hosts, missing } = await gatherHosts(agents, token, pino({ level: 'silent' }));
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
  for (const { name, why } of unexplained) say(`${name} does not answer: ${why}`);
  if (unexplained.length > 0)
    throw new ArpanetError(
      'unavailable',
      `what runs on ${unexplained.map(({ name }) => name).join(', ')} would lose its addresses and names: start its agent again, or give --without ${unexplained[0]?.name} if the host is lost permanently`,
    );
  if (recovery.refusals.length > 0) throw new ArpanetError('conflict', recovery.refusals.join('; '));
  if (flags.plan === true) return say('nothing was written (--plan)');
  await withStore(flags.store, (store) => restoreStore(store, recovery.records, 'arpanet recover', flags.force === true));
  say(`${recovery.records.length} records are in ${flags.store}; ${NEXT_STEPS}`);
}
