/** `arpanet doctor`: asks the cluster for everything that the path from a container to a name consists of. Effects: HTTP requests, the terminal, the exit code. */
import type { DialResult, NamedInstance, OutsideName } from '../../../model/index.ts';
import {
  type AuditReport,
  callsOf,
  diagnose,
  type HostReport,
  type NetworkReport,
  type ServiceReport,
  type StatusReport,
} from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { doctorText } from '../../output/doctor.ts';

/** Exit code 1 if a link is broken. */
export async function doctor(from: string, name: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const get = <T>(path: string) => api.json<T>(`/arpanet/v1/${path}`);
  const [names, services, hosts, networks, outside, { findings }, { notes }] = await Promise.all([
    get<readonly NamedInstance[]>('names'),
    get<readonly ServiceReport[]>('services'),
    get<readonly HostReport[]>('hosts'),
    get<readonly NetworkReport[]>('networks'),
    get<readonly OutsideName[]>('records'),
    get<AuditReport>('audit'),
    get<StatusReport>('status'),
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
  show(links, (found) => [doctorText(found), ...notes.filter((note) => note.startsWith('INSECURE'))].join('\n'));
  if (links.some((link) => !link.isSound)) process.exitCode = 1;
}
