/** The agent process: the host agent with its DNS. Effects: everything that the hostagent room does. */
import type { LevelWithSilent } from 'pino';
import { createDns } from '../dns/index.ts';
import { type AgentOptions, startAgent } from '../hostagent/index.ts';
import type { Logging } from './logger.ts';

export interface AgentSettings extends AgentOptions {
  /** `HOST:PORT` of servers for all other names; empty: those of /etc/resolv.conf. */
  readonly dnsUpstream: readonly string[];
  /** `HOST:PORT` of a Consul DNS for `.consul` names that are not ours. */
  readonly consulDns: string | undefined;
}

/** Runs until the signal aborts; leaves containers and networks as they are. */
export async function runAgent(settings: AgentSettings, { log, setLevel }: Logging, signal: AbortSignal): Promise<void> {
  const dns = createDns({
    log: log.child({ room: 'dns' }),
    now: Date.now,
    ...(settings.consulDns === undefined ? {} : { consulDns: settings.consulDns }),
  });
  try {
    await using agent = await startAgent(
      settings,
      { log: log.child({ room: 'hostagent' }), dns, setLogLevel: (level) => setLevel((level ?? undefined) as LevelWithSilent | undefined) },
      signal,
    );
    await agent.done;
  } finally {
    await dns.close();
  }
}
