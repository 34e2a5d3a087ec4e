/** Effects: counts creates by their outcome, and measures their stages. */
import { isKind } from '../model/index.ts';
import { counter, histogram } from '../telemetry/metrics.ts';

const creates = counter({
  name: 'arpanet_creates_total',
  help: 'Creates of containers: created, refused (nothing fits, a conflict, bad input), failed (a host or the store did not answer).',
  labels: ['outcome'],
});
const stages = histogram({
  name: 'arpanet_create_stage_duration_seconds',
  help: 'Stages of a create: claim (placement, addresses, the record), prepare (image, networks, volumes), engine, record.',
  labels: ['stage'],
});

export type CreateStage = 'claim' | 'prepare' | 'engine' | 'record';

/** A watch over the stages of one create; each call ends a stage. */
export function stageWatch(): (ended: CreateStage) => void {
  let sinceMs = performance.now();
  return (ended) => {
    const nowMs = performance.now();
    stages.observe((nowMs - sinceMs) / 1000, { stage: ended });
    sinceMs = nowMs;
  };
}

/** Counts the create by how it ends. */
export async function counted<T>(create: Promise<T>): Promise<T> {
  try {
    const created = await create;
    creates.inc({ outcome: 'created' });
    return created;
  } catch (error) {
    creates.inc({ outcome: isKind(error, 'unavailable', 'timeout', 'not-leader', 'engine') ? 'failed' : 'refused' });
    throw error;
  }
}
