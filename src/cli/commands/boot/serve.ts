/** `arpanet boot --interface NAME`. Effects: those of the boot server that it runs, requests to the cluster. */
import { addressOf, serveMachines, wireOf } from '../../../boot/index.ts';
import type { BootingMachine, BootServerReport } from '../../../contracts/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { catchFaults } from '../../../processes/fault-net.ts';
import { openLog } from '../../../processes/logger.ts';
import { serviceManager } from '../../../processes/service/manager.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { endSignal } from '../processes/end-signal.ts';

export interface ServeFlags extends ClientFlags {
  readonly interface?: string;
  readonly range?: string;
  readonly gateway?: string;
  readonly dns?: readonly string[];
  readonly port: string;
  readonly image: string;
  readonly data: string;
}

/** Less than what a boot server waits for before it stops answering (ms). */
const TIMEOUT_MS = 4_000;
const PASS_TIMEOUT_MS = 15_000;

/** Throws `invalid` for flags that do not fit to the network, `unsupported` for what is missing on this machine. */
export async function serveBoot(flags: ServeFlags, terminal: Terminal): Promise<void> {
  const { interface: link, range, gateway, dns, port, image, data } = flags;
  if (link === undefined)
    throw new ArpanetError(
      'invalid',
      'arpanet boot needs --interface: the network card at the machines’ network, as eth1. "arpanet boot ls" lists machines, "arpanet boot build" makes their image',
    );
  if (!/^\d+$/.test(port) || !(Number(port) > 0 && Number(port) < 65_536))
    throw new ArpanetError('invalid', `--port is "${port}": it is a number from 1 to 65535`);
  if (process.getuid?.() !== 0)
    throw new ArpanetError('unsupported', 'a boot server listens at ports of DHCP and TFTP: run this with sudo');
  const wire = wireOf({
    interface: link,
    cidr: await addressOf(link),
    ...(range && { range }),
    ...(gateway && { gateway }),
    ...(dns && { dns }),
  });
  const logging = openLog('info');
  catchFaults(logging.log, (code) => process.exit(code));
  const manager = serviceManager(terminal.env, logging.log);
  const signal = endSignal();
  signal.addEventListener('abort', manager.stopping, { once: true });
  const { api } = clientCall(flags, terminal);
  const leader = {
    report: (body: BootServerReport) => api.v1.call('postBootServers', { body }, { timeoutMs: TIMEOUT_MS }),
    pass: (body: BootingMachine) => api.v1.call('postBootPass', { body }, { timeoutMs: PASS_TIMEOUT_MS }),
  };
  const settings = { wire, port: Number(port), image, dir: data, env: terminal.env };
  await serveMachines(settings, leader, logging.log.child({ room: 'boot' }), signal, (line) => {
    terminal.say(line);
    manager.ready(line);
  });
}
