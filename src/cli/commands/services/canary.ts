/** `arpanet canary`, `promote` and `abort`. Effects: HTTP requests, the terminal. */
import { assertCompleted } from '../../../deployments/calls.ts';
import type { CanaryReport } from '../../../model/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { serviceWork } from './service-work.ts';

export interface PromoteFlags extends ClientFlags {
  readonly force?: boolean;
}

export async function showCanary(service: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const report = await api.v1.call('getServicesCanary', { of: service });
  terminal.out(flags.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report));
}

/** Throws `conflict` where it is not judged to be good, or the update did not complete. */
export async function promote(service: string, { force, ...flags }: PromoteFlags, terminal: Terminal): Promise<void> {
  assertCompleted(await serviceWork('postServicesPromote', { services: [service], force }, flags, terminal));
}

export async function abort(service: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  await serviceWork('postServicesAbort', { services: [service] }, flags, terminal);
}

function textOf({ service, share, image, running, desired, verdict, why, isTakenBack }: CanaryReport): string {
  if (isTakenBack === true) return `${service}: ${why}\n`;
  return `${service}: ${image} has ${Math.round(share * 100)}% of the requests, with ${running} of ${desired} instances\n${verdict}: ${why}\n`;
}
