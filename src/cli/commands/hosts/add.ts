/** `arpanet hosts add`. Effects: HTTP requests, the terminal. */
import { isIP } from 'node:net';
import { ArpanetError } from '../../../model/errors.ts';
import type { StatusReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { joinLine, labelsOf, type LimitFlags, limitsOf } from './flags.ts';
import { hostWork } from './host-work.ts';

export interface AddFlags extends ClientFlags, LimitFlags {
  readonly address?: string;
  readonly label?: readonly string[];
  readonly availability?: string;
}

/** Prints the command to run on the new host, with the join token in it. Throws `invalid` for flags that cannot be read. */
export async function addHost(name: string, flags: AddFlags, terminal: Terminal): Promise<void> {
  const { address, availability } = flags;
  if (address !== undefined && isIP(address) === 0)
    throw new ArpanetError('invalid', `--address is "${address}": it is the IP address at which the other hosts reach it`);
  const body = { name, address, availability, labels: labelsOf(flags.label), limits: limitsOf(flags) };
  const added = await hostWork<{ readonly host: string; readonly joined: boolean }>('/arpanet/v1/hosts', body, flags, terminal);
  const { api, show } = clientCall(flags, terminal);
  const [{ token }, { leader }] = await Promise.all([
    api.json<{ readonly token: string }>('/arpanet/v1/token'),
    api.json<StatusReport>('/arpanet/v1/status'),
  ]);
  const command = joinLine({ name, ...(address === undefined ? {} : { address }) }, [leader.url], token);
  show({ ...added, command }, () =>
    added.joined
      ? `${name} has joined`
      : `Run this on the host as root (it needs Docker, and port 2376 open to schedulers and hosts):\n\n  ${command}\n\n"arpanet hosts" shows the host once it has joined.`,
  );
}
