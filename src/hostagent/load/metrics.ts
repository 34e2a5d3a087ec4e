/** What the agent tells of itself, as Prometheus reads it. Pure. */
export interface DnsFigures {
  readonly queries: number;
  readonly nxdomain: number;
  readonly malformed: number;
  readonly instances: number;
}

export interface AgentFigures {
  readonly epoch: number;
  readonly isJoined: boolean;
  readonly isEngineThere: boolean;
  readonly networks: number;
  /** Since the leader last said which names there are; undefined: it never has. */
  readonly namesAgeMs: number | undefined;
  readonly dns: DnsFigures;
}

export function metricsText({ epoch, isJoined, isEngineThere, networks, namesAgeMs, dns }: AgentFigures): string {
  const all: readonly (readonly [name: string, type: 'gauge' | 'counter', help: string, value: number | undefined])[] = [
    ['arpanet_dns_age_seconds', 'gauge', 'Since the leader last said which names there are.', namesAgeMs && namesAgeMs / 1000],
    ['arpanet_dns_instances', 'gauge', 'Addresses that names are answered with.', dns.instances],
    ['arpanet_dns_queries_total', 'counter', 'Questions asked of this DNS.', dns.queries],
    ['arpanet_dns_nxdomain_total', 'counter', 'Answers that there is no such name.', dns.nxdomain],
    ['arpanet_dns_malformed_total', 'counter', 'Questions that were none.', dns.malformed],
    ['arpanet_agent_joined', 'gauge', '1 while a leader is there.', Number(isJoined)],
    ['arpanet_agent_engine_up', 'gauge', '1 while the Engine answers.', Number(isEngineThere)],
    ['arpanet_agent_networks', 'gauge', 'Networks of the cluster on this host.', networks],
    ['arpanet_agent_epoch', 'gauge', 'The highest epoch that this host has seen.', epoch],
  ];
  return all
    .filter(([, , , value]) => value !== undefined)
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}
