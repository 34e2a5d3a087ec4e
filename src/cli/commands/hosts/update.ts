/** `arpanet hosts update`. Effects: HTTP requests, the terminal. */
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostsTable } from '../../output/hosts.ts';
import { labelsOf, type LimitFlags, limitsOf } from './flags.ts';

export interface UpdateFlags extends ClientFlags, LimitFlags {
  readonly labelAdd?: readonly string[];
  readonly labelRm?: readonly string[];
  readonly availability?: 'active' | 'pause';
  readonly mac?: readonly string[];
  readonly serial?: string;
}

/** Throws `invalid` for flags that cannot be read or change nothing. */
export async function updateHost(host: string, flags: UpdateFlags, terminal: Terminal): Promise<void> {
  const body = {
    availability: flags.availability,
    labels: labelsOf(flags.labelAdd, flags.labelRm),
    limits: limitsOf(flags),
    macs: flags.mac,
    serial: flags.serial,
  };
  if (
    body.availability === undefined &&
    (body.macs ?? body.serial) === undefined &&
    Object.keys({ ...body.labels, ...body.limits }).length === 0
  )
    throw new ArpanetError(
      'invalid',
      'nothing to change: give --label-add, --label-rm, --cpus, --memory, --max-containers, --availability, --mac or --serial',
    );
  const { api, show } = clientCall(flags, terminal);
  await api.v1.call('postHostsUpdate', { host, body });
  show(await api.v1.call('getHostsOne', { host }), (detail) => hostsTable([detail]));
}
