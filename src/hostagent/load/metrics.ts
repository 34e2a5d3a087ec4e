/** The agent's own figures, as Prometheus' metrics. Pure. */
import type { Family } from '../../telemetry/metrics.ts';

export interface DnsFigures {
  readonly queries: number;
  readonly nxdomain: number;
  readonly malformed: number;
  readonly instances: number;
}

export interface AgentFigures {
  readonly epoch: number;
  readonly isJoined: boolean;
  readonly isEngineConnected: boolean;
  readonly networks: number;
  /** Since the leader last sent the name table; undefined: it never did. */
  readonly namesAgeMs: number | undefined;
  /** Containers that the Engine describes wrongly, or not at all. */
  readonly unreadableContainers: number;
  /** Messages of leaders that were malformed. */
  readonly refusedMessages: number;
  /** Errors that no handler expected. */
  readonly faults: number;
  /** Entries that were left out because they could not be handled, each time. */
  readonly leftOut: number;
  readonly dns: DnsFigures;
}

/** Figures that are not known yet have no sample. */
export function agentFamilies({
  epoch,
  isJoined,
  isEngineConnected,
  networks,
  namesAgeMs,
  unreadableContainers,
  refusedMessages,
  faults,
  leftOut,
  dns,
}: AgentFigures): readonly Family[] {
  const gauge = (name: string, help: string, value: number | undefined): Family => family('gauge', name, help, value);
  const counter = (name: string, help: string, value: number): Family => family('counter', name, help, value);
  return [
    gauge('arpanet_dns_age_seconds', 'Seconds since the leader last sent the name table.', namesAgeMs && namesAgeMs / 1000),
    gauge('arpanet_dns_instances', 'Addresses in the name table.', dns.instances),
    counter('arpanet_dns_queries_total', 'DNS queries received.', dns.queries),
    counter('arpanet_dns_nxdomain_total', 'DNS queries answered with NXDOMAIN.', dns.nxdomain),
    counter('arpanet_dns_malformed_total', 'Malformed DNS queries received.', dns.malformed),
    gauge('arpanet_agent_joined', '1 while connected to a leader.', Number(isJoined)),
    gauge('arpanet_agent_engine_up', '1 while the Docker Engine is connected.', Number(isEngineConnected)),
    gauge('arpanet_agent_networks', 'Cluster networks on this host.', networks),
    gauge('arpanet_agent_unreadable_containers', 'Containers that the Docker Engine cannot describe.', unreadableContainers),
    counter('arpanet_agent_refused_messages_total', 'Malformed messages from leaders.', refusedMessages),
    counter('arpanet_agent_left_out_entries_total', 'Entries of lists that could not be handled, each time; the log names them.', leftOut),
    counter('arpanet_agent_errors_total', 'Unexpected errors in handlers; the log has them.', faults),
    gauge('arpanet_agent_epoch', 'Highest leader epoch that this host has seen.', epoch),
  ];
}

const family = (type: Family['type'], name: string, help: string, value: number | undefined): Family => ({
  name,
  type,
  help,
  samples: value === undefined ? [] : [{ value }],
});
