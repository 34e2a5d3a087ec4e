/** `arpanet doctor`: asks the cluster for everything that the path from a container to a name consists of. Effects: HTTP requests, the terminal, the exit code. */
import { ArpanetError } from '../../../model/errors.ts';
import type { DialResult, NamedInstance, OutsideName } from '../../../model/index.ts';
import { type Call, callsOf, diagnose } from '../../../operator-api/doctor.ts';
import type { AuditReport, HostReport, NetworkReport, ServiceReport, StatusReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { doctorText } from '../../output/doctor.ts';
import { instanceRows } from '../../output/services.ts';

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
  const input = { from, name, names, instances: instanceRows(services), hosts, networks, outside, findings };
  /** Hosts that cannot make a call now. */
  const silent = new Map<string, string>();
  const dial = async (call: Call, host: string): Promise<readonly (Call & DialResult)[]> => {
    const query = new URLSearchParams({ host, container: call.container, address: call.address, port: String(call.port) });
    try {
      return [{ ...call, ...(await get<DialResult>(`dial?${query.toString()}`)) }];
    } catch (error) {
      if (!(error instanceof ArpanetError) || (error.engineStatus ?? 503) < 500) throw error;
      silent.set(host, error.message);
      return [];
    }
  };
  const dialled = (await Promise.all(callsOf(input).map((call) => dial(call, call.host)))).flat();
  const unanswered = dialled.filter(({ outcome, host, targetHost }) => outcome === 'silent' && targetHost !== host);
  const near = (await Promise.all(unanswered.map((call) => dial(call, call.targetHost)))).flat();
  const links = diagnose({ ...input, dialled, near, silent });
  show(links, (found) => [doctorText(found), ...notes.filter((note) => note.startsWith('INSECURE'))].join('\n'));
  if (links.some((link) => !link.isSound)) process.exitCode = 1;
}
