/** The agent's own figures in Prometheus' text format. Pure. */
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

export function metricsText({
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
}: AgentFigures): string {
  const all: readonly (readonly [name: string, type: 'gauge' | 'counter', help: string, value: number | undefined])[] = [
    ['arpanet_dns_age_seconds', 'gauge', 'Seconds since the leader last sent the name table.', namesAgeMs && namesAgeMs / 1000],
    ['arpanet_dns_instances', 'gauge', 'Addresses in the name table.', dns.instances],
    ['arpanet_dns_queries_total', 'counter', 'DNS queries received.', dns.queries],
    ['arpanet_dns_nxdomain_total', 'counter', 'DNS queries answered with NXDOMAIN.', dns.nxdomain],
    ['arpanet_dns_malformed_total', 'counter', 'Malformed DNS queries received.', dns.malformed],
    ['arpanet_agent_joined', 'gauge', '1 while connected to a leader.', Number(isJoined)],
    ['arpanet_agent_engine_up', 'gauge', '1 while the Docker Engine is connected.', Number(isEngineConnected)],
    ['arpanet_agent_networks', 'gauge', 'Cluster networks on this host.', networks],
    ['arpanet_agent_unreadable_containers', 'gauge', 'Containers that the Docker Engine cannot describe.', unreadableContainers],
    ['arpanet_agent_refused_messages_total', 'counter', 'Malformed messages from leaders.', refusedMessages],
    [
      'arpanet_agent_left_out_entries_total',
      'counter',
      'Entries of lists that could not be handled, each time; the log names them.',
      leftOut,
    ],
    ['arpanet_agent_errors_total', 'counter', 'Unexpected errors in handlers; the log has them.', faults],
    ['arpanet_agent_epoch', 'gauge', 'Highest leader epoch that this host has seen.', epoch],
  ];
  return all
    .filter(([, , , value]) => value !== undefined)
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}
