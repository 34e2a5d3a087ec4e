/** `arpanet status` as text for a terminal. Pure. */
import type { StatusReport } from '../../operator-api/index.ts';
import { hostsLine } from './hosts.ts';
import { count, table } from './table.ts';

/** Of all processes since they started; `--json` names each. */
function errorsLine({ faults }: StatusReport): string {
  const errors = faults.reduce((sum, { unexpectedErrors }) => sum + unexpectedErrors, 0);
  const refused = faults.reduce((sum, { refusedMessages }) => sum + refusedMessages, 0);
  if (errors + refused === 0) return 'none';
  return `${errors} unexpected, ${count(refused, 'refused message')} (${faults.map(({ process }) => process).join(', ')})`;
}

/** Problems first, then what operators set and may have forgotten, then the cluster at large. */
export function statusText(status: StatusReport, width?: number): string {
  const { warnings, notes, hosts, leader } = status;
  const followers = status.schedulers.filter((one) => !one.leads).map((one) => one.name);
  const lines = [
    warnings.length === 0 ? 'no problems' : count(warnings.length, 'problem'),
    ...warnings.map((warning) => `! ${warning}`),
    ...notes.map((note) => `- ${note}`),
    '',
    `leader       ${leader.name} at ${leader.url} (epoch ${leader.epoch})`,
    `schedulers   ${leader.name} leads${followers.length === 0 ? ', no followers' : `; ${followers.join(', ')} follow${followers.length === 1 ? 's' : ''}`}`,
    ...(status.store === '' ? [] : [`store        ${status.store}`]),
    `hosts        ${hostsLine(hosts)}`,
    `errors       ${errorsLine(status)}`,
    `networks     ${status.networks}, ${status.addresses} addresses in use`,
    '',
    status.deployments.length === 0
      ? 'no deployments'
      : table(
          ['DEPLOYMENT', 'SERVICES', 'INSTANCES', 'READY'],
          status.deployments.map((d) => [d.name, String(d.services), String(d.instances), String(d.ready)]),
          width,
        ),
  ];
  return lines.join('\n');
}
