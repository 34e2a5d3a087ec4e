/** `arpanet doctor`: asks the cluster for all that the way from a container to a name is made of. Effects: HTTP requests, the terminal. */
import type { Command } from 'commander';
import type { DialResult, NamedInstance, OutsideName } from '../../../model/index.ts';
import {
  type AuditReport,
  callsOf,
  diagnose,
  doctorText,
  type HostReport,
  type NetworkReport,
  type ServiceReport,
} from '../../../operator-api/index.ts';
import { type AskingFlags, askingCommand, endpointOf, type Terminal } from '../../api-client.ts';

export function addDoctorCommand(root: Command, { env, out }: Terminal): void {
  askingCommand(
    root,
    'doctor <from> <name>',
    'follow the way from a container to what it calls by a name, and to its ports; name the first broken link and the mend',
    [
      'arpanet doctor web pricing   # from the first instance of a service',
      'arpanet doctor abc-web-1 pricing',
      'arpanet doctor abc-web-1 pricing:8080',
      'arpanet doctor 1.web.abc db.other.service.consul --json',
    ],
  ).action(async (from: string, name: string, flags: AskingFlags) => {
    const endpoint = endpointOf(flags, env);
    const get = <T>(path: string) => endpoint.json<T>(`/arpanet/v1/${path}`);
    const [names, services, hosts, networks, outside, { findings }] = await Promise.all([
      get<readonly NamedInstance[]>('names'),
      get<readonly ServiceReport[]>('services'),
      get<readonly HostReport[]>('hosts'),
      get<readonly NetworkReport[]>('networks'),
      get<readonly OutsideName[]>('records'),
      get<AuditReport>('audit'),
    ]);
    const instances = services.flatMap((service) => service.instances);
    const input = { from, name, names, instances, hosts, networks, outside, findings };
    const dialled = await Promise.all(
      callsOf(input).map(async (call) => {
        const query = new URLSearchParams({ host: call.host, container: call.container, address: call.address, port: String(call.port) });
        return { ...call, ...(await get<DialResult>(`dial?${query.toString()}`)) };
      }),
    );
    const links = diagnose({ ...input, dialled });
    out(`${flags.json === true ? JSON.stringify(links, undefined, 2) : doctorText(links)}\n`);
    if (links.some((link) => !link.isSound)) process.exitCode = 1;
  });
}
