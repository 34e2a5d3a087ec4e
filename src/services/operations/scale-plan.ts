/** Where the instances of another count would go, and which would be removed: by the same decisions as a scale itself. Changes nothing. */
import type { ScalePlan, Services } from '../../contracts/index.ts';
import { ArpanetError, serviceKey } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { reconcile, type Step } from '../replicas/replica-plan.ts';
import { instanceName, instanceRequest, scaleRefusal } from '../replicas/template.ts';
import { newRecord } from '../service-record.ts';
import { findService, parseScaling, scaled } from '../service-reference.ts';

/** So many new instances are placed at most: more are one answer many times, and cost the leader's time. */
const MOST_PLACED = 64;

export function createScalePlan(core: Core): Services['scalePlan'] {
  return (text) => {
    const scaling = parseScaling(text);
    const service = findService(scaling.reference, core.list());
    const { template, record, desired: from, instances } = service;
    if (template === undefined) throw new ArpanetError('not-found', `no such service: ${serviceKey(service)}`);
    const to = scaled(from, { ...scaling, reference: serviceKey(service) });
    const refusal = record?.isGlobal === true ? 'it runs once on every host' : scaleRefusal(template, to);
    if (refusal !== undefined) throw new ArpanetError('invalid', `${serviceKey(service)} cannot have ${to} instances: ${refusal}`);
    const nowMs = core.deps.now();
    const counted = {
      ...(record ?? newRecord(service, { origin: 'client', desired: to, template, nowMs })),
      desired: to,
      countedAtMs: nowMs,
    };
    const { steps } = reconcile({ record: counted, instances, unseen: core.unseen(service), attempts: new Map(), nowMs });
    return planOf(core, { service: serviceKey(service), from, to }, template, steps);
  };
}

function planOf(
  { deps }: Core,
  head: Pick<ScalePlan, 'service' | 'from' | 'to'>,
  template: Parameters<typeof instanceName>[0],
  steps: readonly Step[],
): ScalePlan {
  const creates = steps.flatMap((step) =>
    step.do === 'add' ? [{ name: instanceName(template, step.number), request: instanceRequest(template, step.number) }] : [],
  );
  const placements = deps.rehearse(creates.slice(0, MOST_PLACED));
  return {
    ...head,
    added: placements.map((placement, at) => ({
      name: creates[at]?.name ?? '',
      ...(placement.kind === 'placed' ? { host: placement.decision.host } : { why: placement.message }),
    })),
    unplaced: creates.length - placements.length,
    removed: steps.flatMap((step) => (step.do === 'remove' ? [step.container.name] : [])),
  };
}
