/** What a scheduler answers to a scrape of `/metrics`: of the whole cluster while it leads, else of itself. Effects: reads what the process uses. */
import { clusterFamilies } from '../../operator-api/api.ts';
import { inSlices, type Steps } from '../../async/steps.ts';
import { processFamilies } from '../../telemetry/process-figures.ts';
import { counter, exposition, type Family, measured } from '../../telemetry/metrics.ts';
import type { Leadership } from '../leadership.ts';

/** Elections that this process has won. */
export const termsWon = counter({ name: 'arpanet_scheduler_terms_total', help: 'Elections that this scheduler has won since it started.' });

export interface SchedulerFigures {
  /** How long the store's answers take, in ms. */
  readonly storeMs: number;
  /** Why the store cannot be used now; undefined: it can. */
  readonly trouble: string | undefined;
  /** The highest that any host has shown. */
  readonly seenEpoch: number;
  /** The CIDR that subnets come from. */
  readonly pool: string;
}

/** Milliseconds that a scrape has at once: requests of clients wait no longer for it. */
const SLICE_MS = 5;

/** In Prometheus' text format. */
export function schedulerMetrics(leadership: Leads | undefined, figures: SchedulerFigures): Promise<string> {
  return inSlices(metricSteps(leadership, figures), SLICE_MS);
}

function* metricSteps(leadership: Leads | undefined, figures: SchedulerFigures): Steps<string> {
  let text = exposition(yield* schedulerFamilies(leadership, figures));
  for (const family of measured()) {
    yield;
    text += exposition([family]);
  }
  return text + exposition(processFamilies());
}

type Leads = Pick<Leadership, 'observe' | 'record' | 'serviceSteps'>;

/** Without what it counts, and what its process uses. */
export function* schedulerFamilies(
  leadership: Leads | undefined,
  { storeMs, trouble, seenEpoch, pool }: SchedulerFigures,
): Steps<readonly Family[]> {
  const observed = leadership?.observe();
  const gauge = (name: string, help: string, value: number): Family => ({ name, type: 'gauge', help, samples: [{ value }] });
  const cluster = leadership === undefined || observed === undefined ? [] : yield* clusterFamilies(observed, leadership.serviceSteps, pool);
  return [
    gauge('arpanet_scheduler_leader', '1 while this scheduler leads.', Number(observed !== undefined && observed.frozen === undefined)),
    gauge('arpanet_scheduler_epoch', 'Epoch of its leadership, or the highest that it has seen.', leadership?.record.epoch ?? seenEpoch),
    gauge('arpanet_store_up', '1 while the state store answers.', Number(trouble === undefined)),
    gauge('arpanet_store_answer_seconds', 'How long the state store took lately for an answer, the slowest.', storeMs / 1000),
    ...cluster,
  ];
}
