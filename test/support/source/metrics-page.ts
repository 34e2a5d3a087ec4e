/** docs/metrics.md, made of the metrics that the code has. */
import { join } from 'node:path';
import '../../../src/docker-api/replica/reads.ts';
import '../../../src/docker-api/request-metrics.ts';
import { agentFamilies } from '../../../src/hostagent/load/metrics.ts';
import { schedulerFamilies } from '../../../src/processes/observability/scheduler-metrics.ts';
import '../../../src/registrar/registrar.ts';
import '../../../src/scheduler/create-metrics.ts';
import '../../../src/services/replicas/reconciler-metrics.ts';
import '../../../src/store/ledger/ledger.ts';
import { type Family, measured } from '../../../src/telemetry/metrics.ts';
import { processFamilies } from '../../../src/telemetry/process-figures.ts';
import { repository } from '../cluster/paths.ts';
import { atOnce } from '../../../src/async/steps.ts';
import { inOneStep, literalObserved } from '../fakes/literal-observed.ts';

export const metricsPagePath = join(repository, 'docs', 'metrics.md');

const noDns = { queries: 0, nxdomain: 0, malformed: 0, instances: 0 };
const idleAgent = {
  epoch: 1,
  isJoined: true,
  isEngineConnected: true,
  networks: 0,
  namesAgeMs: 1,
  unreadableContainers: 0,
  refusedMessages: 0,
  faults: 0,
  leftOut: 0,
  dns: noDns,
};
const scheduler = { storeMs: 0, trouble: undefined, seenEpoch: 0, pool: '10.32.0.0/12' };
const leads = { observe: literalObserved, record: literalObserved().leader, serviceSteps: () => inOneStep([]) };

/** What each kind of process has, by where it comes from. */
export const FAMILIES: readonly (readonly [title: string, families: readonly Family[]])[] = [
  ['Every scheduler', [...atOnce(schedulerFamilies(undefined, scheduler)), ...measured().toSorted((a, b) => (a.name < b.name ? -1 : 1))]],
  ['The leader', atOnce(schedulerFamilies(leads, scheduler)).slice(atOnce(schedulerFamilies(undefined, scheduler)).length)],
  ['Every agent', agentFamilies(idleAgent)],
  ['Schedulers and agents', processFamilies()],
];

export function metricsPage(): string {
  const tables = FAMILIES.map(([title, families]) => {
    const rows = families.map(({ name, type, help, labels = [] }) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`);
    return `## ${title}\n\n| metric | type | labels | what it is |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${HEAD}\n${tables.join('\n')}`;
}

const HEAD = `<!-- Made of the code: ARPANET_WRITE_PAGES=1 npm run test:unit -- metrics-page -->
# Metrics

Schedulers answer \`GET /metrics\` at each address of \`--listen\` (with TLS to who has a certificate: a viewer's will do), agents that joined by \`http://\` at \`http://HOST:2376/metrics\`, and for every
agent a scheduler at \`/arpanet/v1/hosts/NAME/metrics\`, which is the way with TLS, as agents then answer schedulers alone; in Prometheus' text format. Every scheduler
has figures of itself, and the one that leads of the cluster too: scrape all of them. [examples/monitoring](../examples/monitoring/README.md) has a configuration for Prometheus,
alert rules with their tests, and a dashboard for Grafana.

Labels are routes, states, hosts and deployments. No label has what a client makes up; a metric that counts has at most 2,000 series in a process; the first 500
deployments by name have series of their own, and the others are counted as \`others\`. What is of a host or a deployment goes with it.
`;
