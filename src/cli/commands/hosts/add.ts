/** `arpanet hosts add`. Effects: HTTP requests, the terminal. */
import { isIP } from 'node:net';
import { ArpanetError } from '../../../model/errors.ts';
import { type Installer, isPlainWord, scriptLine } from '../../../operator-api/joining/script.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { type PassFlags, tokenFor } from '../cluster/token.ts';
import { joinLine, labelsOf, type LimitFlags, limitsOf } from './flags.ts';
import { hostWork } from './host-work.ts';

export interface AddFlags extends ClientFlags, LimitFlags, PassFlags {
  readonly address?: string;
  readonly mac?: readonly string[];
  readonly serial?: string;
  readonly label?: readonly string[];
  readonly availability?: 'active' | 'pause';
  readonly installDocker?: boolean;
}

/** Prints the command to run on the new host, with the join token in it. Throws `invalid` for flags that cannot be read. */
export async function addHost(name: string, flags: AddFlags, terminal: Terminal): Promise<void> {
  const { address, availability } = flags;
  if (address !== undefined && isIP(address) === 0)
    throw new ArpanetError('invalid', `--address is "${address}": it is the IP address at which the other hosts reach it`);
  const body = {
    name,
    address,
    macs: flags.mac,
    serial: flags.serial,
    availability,
    labels: labelsOf(flags.label),
    limits: limitsOf(flags),
  };
  const { api, show } = clientCall(flags, terminal);
  if (flags.mac !== undefined || flags.serial !== undefined) {
    const approved = await hostWork('postHosts', { body }, flags, terminal);
    show(
      approved,
      () => `${name} is approved: the machine joins as it each time that it boots from "arpanet boot". "arpanet boot ls" shows it`,
    );
    return;
  }
  // first: where it is refused, the host was not added
  const { token } = await tokenFor(api, flags, name);
  const added = await hostWork('postHosts', { body }, flags, terminal);
  const { leader } = await api.v1.call('getStatus');
  const found = await api.v1.call('getInstaller').catch((error: unknown) => reasonOf(error));
  const place = { name, ...(address === undefined ? {} : { address }) };
  const lacks = typeof found === 'string' ? found : packageFault(found, token);
  const command =
    typeof found === 'string' || lacks !== undefined
      ? joinLine(place, [leader.url], token)
      : scriptLine(found, [
          ...(flags.installDocker === true ? ['--install-docker'] : []),
          token,
          name,
          ...(address === undefined ? [] : [address]),
        ]);
  const text = lacks === undefined ? SCRIPT_TEXT : `${BY_HAND_TEXT}\n(${lacks})`;
  show({ ...added, command }, () =>
    added.joined ? `${name} has joined` : `${text}:\n\n  ${command}\n\n"arpanet hosts" shows the host once it has joined.`,
  );
}

const SCRIPT_TEXT =
  'Run this on the host. It needs Docker and curl; it checks everything first, and changes nothing if something is in its way. Port 2376 (TCP) and 4789 (UDP) are open between hosts';
const BY_HAND_TEXT = 'Run this on the host as root (it needs Docker and this program, and port 2376 open to schedulers and hosts)';

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why this scheduler has no script for it; undefined: it has. */
function packageFault({ sha256 }: Installer, token: string): string | undefined {
  if (sha256 === undefined) return 'this scheduler runs from a clone or an npm package, and so has none to hand on';
  return isPlainWord(token) ? undefined : 'the join token has characters that a shell reads: "arpanet token rotate" makes another';
}
