/** Effects: what this host does with the names that the leader sends: to its DNS and its disk; and which addresses have moved to other hosts. */
import { within } from '../../async/within.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { NameChange, NamedInstance, NameTable } from '../../model/name-table.ts';
import type { DnsServer } from '../dns-server.ts';
import { movedNetworks } from '../overlay/moved-addresses.ts';
import { type LiveTable, openLiveTable } from './live-table.ts';
import type { Vips } from '../vip/vips.ts';
import type { NamesFile } from './names-file.ts';

export interface HostNames {
  readonly table: (table: NameTable) => void;
  /** False: it is of another table than the one here, and nothing is changed. */
  readonly change: (change: NameChange) => boolean;
  /** Resolves once all that was sent up to now is taken over: after a change of another table, when the table has come. Throws `unavailable` when it does not. */
  readonly settle: () => Promise<void>;
  readonly instances: () => readonly NamedInstance[];
  /** For how long no leader has said that this is what it has; undefined: there is no table. */
  readonly ageMs: () => number | undefined;
}

export interface HostNamesDeps {
  readonly file: NamesFile;
  readonly dns: Pick<DnsServer, 'table' | 'change' | 'confirm'>;
  /** What else of this host depends on names; before its DNS. */
  readonly followers: readonly Pick<Vips, 'table' | 'change'>[];
  /** A leader has said what is so now. */
  readonly heard: () => void;
  /** An address of the network is on another host now. */
  readonly moved: (network: string) => void;
  /** By this host's clock, which need not agree with the leader's: the age of the table is measured here. */
  readonly now: () => number;
}

/** That the table is still what the leader has is written this often, so that its age is known after a restart. */
const CONFIRM_MS = 30_000;

/** A table that was asked for comes so soon, or the leader no longer waits for the answer. */
const TABLE_MS = 2_500;

/** Begins with what is on the disk. */
export function createHostNames({ file, dns, followers, heard, moved, now }: HostNamesDeps): HostNames {
  const kept = file.value();
  let live: LiveTable | undefined = kept && openLiveTable(kept);
  let atMs = kept?.atMs;
  let savedAtMs = atMs ?? 0;
  /** A change did not fit; the table that was asked for then has not come. */
  let asked: { readonly table: Promise<void>; readonly come: () => void } | undefined;
  function ask(): NonNullable<typeof asked> {
    let come = (): void => undefined;
    const table = new Promise<void>((resolve) => (come = resolve));
    return { table, come };
  }
  function isCurrent(): void {
    asked?.come();
    asked = undefined;
  }
  if (kept !== undefined) {
    dns.table(kept);
    for (const one of followers) one.table(kept.instances);
  }

  return {
    table(sent) {
      const table = { ...sent, atMs: now() };
      for (const network of movedNetworks(live?.instances() ?? [], table.instances)) moved(network);
      live = openLiveTable(table);
      ({ atMs } = table);
      savedAtMs = atMs;
      for (const one of followers) one.table(table.instances);
      dns.table(table);
      file.save(table);
      isCurrent();
      heard();
    },
    change(sent) {
      if (live?.fits(sent) !== true) {
        asked ??= ask();
        return false;
      }
      isCurrent();
      const table = live;
      const change = { ...sent, atMs: now() };
      for (const network of table.change(change)) moved(network);
      ({ atMs } = change);
      const isOld = isConfirmation(change);
      if (isOld) dns.confirm(atMs);
      else {
        for (const one of followers) one.change(change.put, change.drop);
        dns.change(change);
      }
      heard();
      if (isOld && atMs - savedAtMs < CONFIRM_MS) return true;
      savedAtMs = atMs;
      file.append(change, table.table);
      return true;
    },
    async settle() {
      if (asked === undefined) return;
      await within(
        TABLE_MS,
        asked.table,
        () => new ArpanetError('unavailable', 'the names that this host was sent are of another table than its own'),
      );
    },
    instances: () => live?.instances() ?? [],
    ageMs: () => (atMs === undefined ? undefined : Math.max(0, now() - atMs)),
  };
}

/** It says that the table is what the leader has, and no more. */
const isConfirmation = ({ put, drop, outside, deployments, deploymentsCome = [], deploymentsGone = [] }: NameChange): boolean =>
  outside === undefined && deployments === undefined && [put, drop, deploymentsCome, deploymentsGone].every(({ length }) => length === 0);
