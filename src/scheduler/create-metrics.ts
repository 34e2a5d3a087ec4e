/** Effects: counts creates by their outcome, and measures their stages. */
import { isKind } from '../model/index.ts';
import { noteSpan } from '../telemetry/request-scope.ts';
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

export interface StageWatch {
  readonly end: (stage: CreateStage) => void;
  /** What has ended so far, in ms, and under `before` what went by before the first stage began. */
  readonly soFarMs: () => Readonly<Record<string, number>>;
}

/** A watch over the stages of one try of a create; `askedMs`: when the create was asked for, by performance.now(). */
export function stageWatch(askedMs: number): StageWatch {
  let sinceMs = performance.now();
  const took: Record<string, number> = { before: Math.round(sinceMs - askedMs) };
  return {
    end(stage) {
      const nowMs = performance.now();
      stages.observe((nowMs - sinceMs) / 1000, { stage });
      noteSpan(`create ${stage}`, Date.now() - (nowMs - sinceMs), Date.now());
      took[stage] = Math.round(nowMs - sinceMs);
      sinceMs = nowMs;
    },
    soFarMs: () => ({ ...took }),
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
