/** The leader's part in booting machines: which are approved, which server answers, and by what a machine joins. Effects: the ledger. */
import { approvalFault, machineIds, machineOf, machinesShown } from '../../boot/index.ts';
import type { Boot } from '../../contracts/index.ts';
import { type AdmissionRecord, ArpanetError, keys, type MachineRecord } from '../../model/index.ts';
import { writeJoinToken } from '../../security/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { issuePass } from './join-passes.ts';
import type { Leadership } from '../leadership.ts';

/** Longer than a machine takes from its question to its join, and a restart of its agent meanwhile. */
const PASS_MS = 3_600_000;

/** `schedulers`: URLs by which hosts join, with TLS. Throws `conflict` where there are none. */
export function bootOf(
  { ledger, ca, scheduler, membership, bootServers }: Pick<Leadership, 'ledger' | 'ca' | 'scheduler' | 'membership' | 'bootServers'>,
  schedulers: () => readonly string[],
  now: () => number,
  log: Logger,
): Boot {
  const machines = (): readonly MachineRecord[] => ledger.list<MachineRecord>(keys.machines).map(([, record]) => record);
  const isRemoved = (host: string): boolean => ledger.get<AdmissionRecord>(keys.admission(host))?.kind === 'removed';

  return {
    report(report) {
      const { answers, leases } = bootServers.heard(report, now());
      return { answers, leases, machines: machines() };
    },
    state() {
      const nowMs = now();
      const states = new Map(scheduler.hosts.list().map(({ name, state }) => [name, state]));
      return {
        servers: bootServers.list(nowMs),
        machines: machinesShown(machines(), bootServers.seen(), bootServers.leases(nowMs), (host) => states.get(host)),
      };
    },
    async pass(machine) {
      const host = machineOf(machines(), machine)?.host;
      if (host === undefined || isRemoved(host))
        throw new ArpanetError(
          'not-found',
          `no host is approved for this machine: "arpanet hosts add NAME --mac ${machine.mac || 'MAC'}" on a scheduler`,
        );
      const revoked = membership.whyRevoked(host);
      if (revoked !== undefined) throw new ArpanetError('forbidden', revoked);
      if (scheduler.agents.isConnected(host))
        throw new ArpanetError(
          'conflict',
          `host ${host} is connected: this machine is another with the same address or serial number, or ${host} until a moment ago`,
        );
      const join = schedulers();
      if (ca === undefined) throw new ArpanetError('conflict', 'this cluster has no CA: its store needs a key (--cluster-key)');
      const { secret } = await issuePass(ledger, { isSingleUse: true, ttlMs: PASS_MS, host }, now(), log);
      log.info({ host, ...machine }, 'a machine that booted got a token to join by');
      return { host, token: writeJoinToken(secret, ca.fingerprint), join };
    },
    ids(host, given) {
      const ids = machineIds(given);
      const fault = approvalFault(machines(), host, ids);
      if (fault !== undefined) throw new ArpanetError('conflict', fault);
      return ids;
    },
    async approve(host, ids, address) {
      const kept = address ?? ledger.get<MachineRecord>(keys.machine(host))?.address;
      const record: MachineRecord = { host, ...ids, ...(kept !== undefined && { address: kept }), atMs: now() };
      await ledger.commit([{ kind: 'put', key: keys.machine(host), value: record }]);
      log.info({ ...record }, 'a machine was approved as a host');
      return record;
    },
  };
}
