/** `arpanet schedulers add`. Effects: an HTTP request, the terminal. */
import { isIP } from 'node:net';
import { ArpanetError } from '../../../model/errors.ts';
import { scriptLine } from '../../../operator-api/joining/script.ts';
import { isHostName, HOST_NAME_FORM } from '../../../text/names.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

/** Prints the line to run there. Throws `invalid` for what is no name or address, and `conflict` where the scheduler has no package to hand on. */
export async function addScheduler(
  name: string,
  { address, ...flags }: ClientFlags & { readonly address?: string },
  terminal: Terminal,
): Promise<void> {
  if (!isHostName(name)) throw new ArpanetError('invalid', `"${name}" cannot be the name of a scheduler: ${HOST_NAME_FORM}`);
  if (address !== undefined && isIP(address) === 0)
    throw new ArpanetError('invalid', `--address is "${address}": it is the IP address at which the hosts reach it`);
  const { api, show } = clientCall(flags, terminal);
  const installer = await api.v1.call('getInstaller');
  if (installer.sha256 === undefined)
    throw new ArpanetError(
      'conflict',
      'this scheduler runs from a clone or an npm package, and has no package to hand on: docs/install.md',
    );
  const command = scriptLine(installer, ['--scheduler', name, ...(address === undefined ? [] : [address])]);
  show({ scheduler: name, command }, () => `${TEXT}:\n\n  ${command}`);
}

const TEXT =
  'Run this on the machine. It needs Consul and the cluster key (/var/lib/arpanet/scheduler/cluster.key, copied from a scheduler); it checks everything first, and changes nothing if something is in its way';
