/** What ops set for the whole cluster, as every scheduler takes it up: watched in the store, by the leader and by followers alike. Effects: the store, timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIVE, liveText, type LiveName, type LiveSettings, liveValue, withLive } from '../config/index.ts';
import { ArpanetError, keys } from '../model/index.ts';
import type { ClusterSettings } from '../operator-api/index.ts';
import type { Ledger, StateStore } from '../store/index.ts';
import { inBackground } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';

export interface Followed {
  /** The settings as they are now; read again each time. */
  readonly now: () => LiveSettings;
  /** What was set, by name. */
  readonly kept: () => Readonly<Record<string, string>>;
  /** What this process was started with, or has read since. */
  readonly own: () => LiveSettings;
  /** Other settings of this process; what was set for the cluster stays in force over them. */
  readonly reload: (own: LiveSettings) => void;
}

const AGAIN_MS = 1_000;
const TAKEN_UP_MS = 3_000;

/** `startedWith`: what counts where the cluster has nothing set. Until the signal aborts. */
export function followSettings(
  store: StateStore,
  startedWith: LiveSettings,
  onChange: (followed: Followed) => void,
  log: Logger,
  signal: AbortSignal,
): Followed {
  let kept: Readonly<Record<string, string>> = {};
  let own = startedWith;
  let settings = own;
  const followed: Followed = {
    now: () => settings,
    kept: () => kept,
    own: () => own,
    reload(wanted) {
      own = wanted;
      settings = withLive(own, kept);
      onChange(followed);
    },
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const entries of store.watch(keys.settings, signal)) {
          kept = Object.fromEntries(
            entries.flatMap(({ key, value }) => (typeof value === 'string' ? [[key.slice(keys.settings.length), value]] : [])),
          );
          settings = withLive(own, kept);
          onChange(followed);
        }
      } catch {
        // the store is unreachable: what was set stays in force
      }
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  inBackground(log, 'following the settings', follow());
  return followed;
}

/** For the operator's API of the leader: answered once this process has taken the change up, as all others do then. */
export function clusterSettings(ledger: Ledger, followed: Followed): ClusterSettings {
  const report = (name: LiveName) => {
    const { [name]: set } = followed.kept();
    const own = liveText(name, followed.own());
    return { name, value: set ?? own, isSet: set !== undefined, own };
  };
  const takenUp = async (name: LiveName, text: string | undefined) => {
    const endMs = Date.now() + TAKEN_UP_MS;
    while (followed.kept()[name] !== text) {
      if (Date.now() > endMs) throw new ArpanetError('timeout', `${name} is stored, but not in effect yet: "arpanet config get" shows it`);
      await sleep(20);
    }
    return report(name);
  };
  return {
    list: () => LIVE.map(report),
    async set(name, text) {
      const { name: live } = liveValue(name, text);
      await ledger.commit([{ kind: 'put', key: keys.setting(live), value: text.trim() }]);
      return takenUp(live, text.trim());
    },
    async unset(name) {
      const live = LIVE.find((one) => one === name) ?? liveValue(name, '').name;
      await ledger.commit([{ kind: 'delete', key: keys.setting(live) }]);
      return takenUp(live, undefined);
    },
  };
}
