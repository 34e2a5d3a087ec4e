/** What a service goes back to: all that its last update changed (swarmkit manager/controlapi/service.go, `UpdateService`). Pure. */
import type { PreviousSettings, ServiceRecord } from '../../model/index.ts';

/** What is kept of a record that is updated to so many instances. */
export function previousOf(record: ServiceRecord, desired: number): Required<Pick<ServiceRecord, 'previous' | 'previousSettings'>> {
  const { template, update, rollback, labels, spec, job } = record;
  const previousSettings: PreviousSettings = {
    ...(desired === record.desired ? {} : { desired: { from: record.desired, to: desired } }),
    ...(job === undefined ? {} : { concurrent: job.concurrent }),
    update,
    ...(rollback === undefined ? {} : { rollback }),
    labels,
    ...(spec === undefined ? {} : { spec }),
  };
  return { previous: template, previousSettings };
}

/** The record as it was before its last update; it goes back to nothing then. Undefined: there was none. */
export function restored(record: ServiceRecord): ServiceRecord | undefined {
  const { previous, previousSettings, ...present } = record;
  if (previous === undefined) return undefined;
  if (previousSettings === undefined) return { ...present, template: previous };
  const { desired, concurrent, ...settings } = previousSettings;
  const { rollback: _rollback, spec: _spec, job, ...others } = present;
  return {
    ...others,
    template: previous,
    ...settings,
    // a count that was set since stays
    desired: desired?.to === record.desired ? desired.from : record.desired,
    ...(job === undefined ? {} : { job: { ...job, concurrent: concurrent ?? job.concurrent } }),
  };
}

const text = (value: unknown): string => JSON.stringify(value ?? null);

/** Whether anything but the template differs. */
export function hasOtherSettings(before: ServiceRecord, after: ServiceRecord): boolean {
  return (
    before.desired !== after.desired ||
    text(before.update) !== text(after.update) ||
    text(before.rollback) !== text(after.rollback) ||
    text(before.labels) !== text(after.labels) ||
    text(before.spec) !== text(after.spec)
  );
}
