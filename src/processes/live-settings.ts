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
}

const AGAIN_MS = 1_000;
const TAKEN_UP_MS = 3_000;

/** `own`: what this process was started with. Until the signal aborts. */
export function followSettings(
  store: StateStore,
  own: LiveSettings,
  onChange: (followed: Followed) => void,
  log: Logger,
  signal: AbortSignal,
): Followed {
  let kept: Readonly<Record<string, string>> = {};
  let settings = own;
  const followed: Followed = { now: () => settings, kept: () => kept };
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
export function clusterSettings(ledger: Ledger, followed: Followed, own: LiveSettings): ClusterSettings {
  const report = (name: LiveName) => {
    const { [name]: set } = followed.kept();
    return { name, value: set ?? liveText(name, own), isSet: set !== undefined, own: liveText(name, own) };
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
