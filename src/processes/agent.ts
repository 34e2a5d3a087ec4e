/** Effects: the agent process: the host agent with its DNS. */
import type { LevelWithSilent } from 'pino';
import { createDns, type DnsOptions } from '../dns/index.ts';
import { type AgentOptions, startAgent } from '../hostagent/index.ts';
import { logLeftOut } from '../telemetry/left-out.ts';
import type { Logging } from './logger.ts';

export interface AgentSettings extends AgentOptions {
  /** `HOST:PORT` of DNS servers for all other names; empty: those of /etc/resolv.conf. */
  readonly dnsUpstream: readonly string[];
  /** `HOST:PORT` of a Consul DNS for `.consul` names outside this cluster. */
  readonly consulDns: string | undefined;
}

/** Where the agent's DNS forwards what it does not know. */
export function dnsOptions({
  dnsUpstream,
  consulDns,
}: Pick<AgentSettings, 'dnsUpstream' | 'consulDns'>): Pick<DnsOptions, 'upstream' | 'consulDns'> {
  return { ...(dnsUpstream.length === 0 ? {} : { upstream: dnsUpstream }), ...(consulDns === undefined ? {} : { consulDns }) };
}

/** Runs until the signal aborts; `ready` is called once its gateway listens. Leaves containers and networks as they are. Throws if the gateway cannot listen. */
export async function runAgent(
  settings: AgentSettings,
  { log, setLevel }: Logging,
  signal: AbortSignal,
  ready?: () => void,
): Promise<void> {
  logLeftOut(log);
  const dns = createDns({ ...dnsOptions(settings), log: log.child({ room: 'dns' }), now: Date.now });
  try {
    await using agent = await startAgent(
      settings,
      { log: log.child({ room: 'hostagent' }), dns, setLogLevel: (level) => setLevel((level ?? undefined) as LevelWithSilent | undefined) },
      signal,
    );
    ready?.();
    await agent.done;
  } finally {
    await dns.close();
  }
}
