/** Schedulers know of each other: one that follows tells the leader so. Effects: an HTTP request every few seconds. */
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { VERSION } from '../config/version.ts';
import { shortRequest } from '../engine/index.ts';
import type { SchedulerReport } from '../operator-api/index.ts';
import { type ProcessFaults, PROTOCOL, STORE_SCHEMA } from '../model/index.ts';
import { processFaults } from '../telemetry/faults.ts';

const EVERY_MS = 5_000;
const TIMEOUT_MS = 3_000;
/** A scheduler that sent no message for this long is left out of the status. */
const FORGOTTEN_MS = 600_000;
/** What releases read that do not say. */
const FIRST_SCHEMA = 1;
/** A second longer than two announcements are apart. */
const SETTLED_MS = EVERY_MS + 1_000;

interface Peer {
  readonly url: string;
  readonly faults?: ProcessFaults;
  /** Addresses without TLS that other machines reach. */
  readonly exposed?: readonly string[];
  /** Why its audit log is not written. */
  readonly auditTrouble?: string;
  /** Its release. */
  readonly version?: string;
  /** Its program was placed by the line of `arpanet schedulers add`. */
  readonly byLine?: boolean;
  /** What the cluster keys in its file are called. */
  readonly keys?: readonly string[];
  /** The highest schema of records that it reads; absent: the first. */
  readonly schema?: number;
}

export interface Peers {
  /** `gone`: it ends in an orderly way. True if it is new, or has another URL. */
  readonly heard: (peer: Peer & { readonly name: string; readonly gone?: boolean }) => boolean;
  readonly list: () => readonly SchedulerReport[];
  /** Names of schedulers that do not have this cluster key, also of those that have been silent for some time. */
  readonly without: (key: string) => readonly string[];
  /** Names of schedulers that cannot read records of this schema, also of those that have been silent for some time. */
  readonly withoutSchema: (schema: number) => readonly string[];
  /** All that run have had the time to say that they do, since this one leads. */
  readonly isSettled: () => boolean;
  readonly clear: () => void;
}

export function createPeers(now: () => number): Peers {
  const peers = new Map<string, Peer & { readonly heardAtMs: number }>();
  let clearedAtMs = now();
  const who = (is: (peer: Peer) => boolean): readonly string[] =>
    [...peers].flatMap(([name, peer]) => (now() - peer.heardAtMs < FORGOTTEN_MS && is(peer) ? [name] : []));
  return {
    heard({ name, url, gone, ...more }) {
      const isNew = gone !== true && peers.get(name)?.url !== url;
      if (gone === true) peers.delete(name);
      else peers.set(name, { url, heardAtMs: now(), ...more });
      return isNew;
    },
    list() {
      for (const [name, { heardAtMs }] of peers) if (now() - heardAtMs > FORGOTTEN_MS) peers.delete(name);
      return [...peers]
        .map(([name, { heardAtMs, keys: _keys, schema: _schema, ...peer }]) => ({
          name,
          ...peer,
          leads: false,
          heardMsAgo: now() - heardAtMs,
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    without: (key) => who(({ keys = [] }) => !keys.includes(key)),
    withoutSchema: (wanted) => who(({ schema = FIRST_SCHEMA }) => schema < wanted),
    isSettled: () => now() - clearedAtMs > SETTLED_MS,
    clear() {
      peers.clear();
      clearedAtMs = now();
    },
  };
}

/** Where join.sh puts the program. */
const LINE_DIR = '/usr/local/lib/arpanet/';

/** Announces until `signal` aborts; then, if `ending` says so, that it ends. A failed announcement is repeated the next time. `tls`: for a leader that is reached by https. */
export async function announce(
  me: {
    readonly name: string;
    readonly url: string;
    readonly exposed: readonly string[];
    readonly auditTrouble: () => string | undefined;
    readonly keys: () => readonly string[];
    /** The leader does not work with this one: why, and what to do about it. */
    readonly refused: (answer: string) => void;
    /** Takes the cluster keys that the leader sends, if it sends any; true if there were others. */
    readonly take: (answer: string) => boolean;
  },
  leaderUrl: string,
  signal: AbortSignal,
  ending: () => boolean,
  tls: () => ConnectionOptions | undefined,
): Promise<void> {
  const { name, url, exposed } = me;
  const say = async (gone: boolean): Promise<boolean> => {
    const said = {
      name,
      url,
      exposed,
      version: VERSION,
      protocol: PROTOCOL,
      byLine: process.execPath.startsWith(LINE_DIR),
      auditTrouble: me.auditTrouble(),
      keys: me.keys(),
      schema: STORE_SCHEMA,
      gone,
      faults: processFaults(0, Date.now()),
    };
    const request = {
      url: `${leaderUrl}/arpanet/v1/schedulers`,
      method: 'POST',
      body: JSON.stringify(said),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      tls: tls(),
    };
    return await shortRequest(request).then(
      ({ status, text }) => {
        if (status === 409) me.refused(text);
        return status === 200 && me.take(text);
      },
      () => false,
    );
  };
  while (!signal.aborted) {
    if (await say(false)) continue;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  if (ending()) await say(true);
}
