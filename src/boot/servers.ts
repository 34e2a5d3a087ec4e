/** Which of the boot servers of a network answers: one at a time, as the leader says, for as long as it reports. Pure, but for what it remembers; times are arguments. */
import type { BootLease, BootServerReport, KnownBootServer, SeenMachine } from '../contracts/index.ts';
import { mergedLeases } from './leases.ts';

/** A server that is not heard from for so long (ms) answers no more, and another may; it stops by itself before: QUIET_MS. */
export const HOLD_MS = 10_000;
/** A server that the leader did not confirm for so long (ms) stops answering. */
export const QUIET_MS = 7_000;
/** Forgotten then, in ms. */
const GONE_MS = 60_000;

/** The leader's memory of them. */
export interface BootServers {
  /** Takes what a server says. `answers`: it may. `leases`: of all servers of its network. */
  readonly heard: (report: BootServerReport, nowMs: number) => { readonly answers: boolean; readonly leases: readonly BootLease[] };
  readonly list: (nowMs: number) => readonly KnownBootServer[];
  /** Of all networks. */
  readonly leases: (nowMs: number) => readonly BootLease[];
  /** What machines said of themselves, the last time of each. */
  readonly seen: () => readonly SeenMachine[];
}

/** `startedMs`: when this leadership began. What was granted by the one before is over HOLD_MS later. */
export function createBootServers(startedMs: number): BootServers {
  const known = new Map<string, KnownBootServer>();
  const holders = new Map<string, { readonly id: string; readonly untilMs: number }>();
  const leases = new Map<string, readonly BootLease[]>();
  const seen = new Map<string, readonly SeenMachine[]>();
  const idOf = ({ name, address }: Pick<BootServerReport, 'name' | 'address'>): string => `${name} ${address}`;

  function grants(report: BootServerReport, nowMs: number): boolean {
    const holder = holders.get(report.network);
    const id = idOf(report);
    if (report.trouble !== undefined) {
      if (holder?.id === id) holders.delete(report.network);
      return false;
    }
    if (holder !== undefined && holder.id !== id && holder.untilMs > nowMs) return false;
    if (holder === undefined && !report.answers && nowMs - startedMs < HOLD_MS) return false;
    holders.set(report.network, { id, untilMs: nowMs + HOLD_MS });
    return true;
  }

  function forget(nowMs: number): void {
    for (const [id, { heardMs }] of known) {
      if (heardMs + GONE_MS >= nowMs) continue;
      known.delete(id);
      seen.delete(id);
    }
  }

  return {
    heard(report, nowMs) {
      forget(nowMs);
      const answers = grants(report, nowMs);
      const before = leases.get(report.network) ?? [];
      // of one that waits they are those of its file, from when it answered last
      const all = report.answers ? mergedLeases(before, report.leases, nowMs) : mergedLeases(report.leases, before, nowMs);
      leases.set(report.network, all);
      const { leases: _leases, seen: machines, ...shown } = report;
      known.set(idOf(report), { ...shown, answers, heardMs: nowMs });
      seen.set(idOf(report), machines);
      return { answers, leases: all };
    },
    list(nowMs) {
      forget(nowMs);
      return [...known.values()].map((one) => ({ ...one, answers: one.answers && one.heardMs + HOLD_MS > nowMs }));
    },
    leases: (nowMs) => [...leases.values()].flat().filter(({ untilMs }) => untilMs > nowMs),
    seen() {
      const last = new Map<string, SeenMachine>();
      for (const one of [...seen.values()].flat()) if (one.atMs >= (last.get(one.mac)?.atMs ?? 0)) last.set(one.mac, one);
      return [...last.values()];
    },
  };
}
