/** Queries to agents beside their regular messages. Effects: messages to agents. */
import type { Agents, Names } from '../../contracts/index.ts';
import type { ContainerUsage, DialResult, HostObservation, HttpFigures, UpgradeState } from '../../model/index.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { Hub } from './hub.ts';
import { guarded } from '../../telemetry/faults.ts';

/** Longer than an agent tries. */
const DIAL_TIMEOUT_MS = 5_000;
const LOOK_TIMEOUT_MS = 10_000;
/** It fetches the script first. */
const UPGRADE_TIMEOUT_MS = 30_000;

export interface AgentQueries
  extends Pick<Names, 'httpFigures'>,
    Pick<Agents, 'dial' | 'answerPath' | 'look' | 'usage' | 'upgrade' | 'pushSettings'> {
  /** The same settings to one host. */
  readonly sendSettings: (host: string) => void;
}

export function createAgentQueries(hub: Pick<Hub, 'call' | 'hosts' | 'send'>, deps: Pick<SchedulerDeps, 'settings' | 'log'>): AgentQueries {
  const sendSettings = guarded(deps.log, 'settings for a host', (host: string) =>
    hub.send(host, { type: 'settings', ...deps.settings.agentSettings() }),
  );
  return {
    dial: (host, address, port) => hub.call(host, { method: 'dial', address, port }, DIAL_TIMEOUT_MS) as Promise<DialResult>,
    answerPath: (host, trial) => hub.call(host, { method: 'answer-path', ...trial }, LOOK_TIMEOUT_MS),
    look: (host) => hub.call(host, { method: 'look' }, LOOK_TIMEOUT_MS) as Promise<HostObservation>,
    usage: (host) => hub.call(host, { method: 'usage' }, LOOK_TIMEOUT_MS) as Promise<readonly ContainerUsage[]>,
    httpFigures: (host) => hub.call(host, { method: 'http-figures' }, LOOK_TIMEOUT_MS) as Promise<readonly HttpFigures[]>,
    upgrade: (host, order) =>
      hub.call(host, { method: 'upgrade', ...(order !== undefined && { order }) }, UPGRADE_TIMEOUT_MS) as Promise<UpgradeState>,
    pushSettings() {
      for (const host of hub.hosts()) sendSettings(host);
    },
    sendSettings,
  };
}
