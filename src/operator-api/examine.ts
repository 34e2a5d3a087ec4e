/** `GET /arpanet/v1/doctor`: all that the path from a container to a name consists of, looked at by the leader. Effects: express, hosts call ports, an audit. */
import type { Router } from 'express';
import { ArpanetError, type DialResult, type OutsideName, type ServiceView, statusOf } from '../model/index.ts';
import type { AuditReport } from './audit.ts';
import { diagnose } from './doctor.ts';
import type { Link } from './doctor-link.ts';
import { type Call, callsOf, type DoctorInput } from './doctor-targets.ts';
import { hostReports, networkReports, type Observed } from './reports/report.ts';
import { serviceReports } from './reports/service-report.ts';

/** What it reads and calls. */
interface Examined {
  readonly observe: () => Observed;
  readonly services: () => { readonly list: () => readonly ServiceView[] };
  readonly outside: () => { readonly list: () => readonly OutsideName[] };
  readonly audit: (fix: boolean) => Promise<AuditReport>;
  /** Throws `unavailable` for a host that does not answer. */
  readonly dial: (host: string, address: string, port: number) => Promise<DialResult>;
  readonly now: () => number;
}

export function doctorRoute(router: Router, cluster: Examined): void {
  router.get('/doctor', async ({ query: { from, name } }, response) => {
    if (typeof from !== 'string' || from === '' || typeof name !== 'string' || name === '')
      throw new ArpanetError('invalid', 'give ?from=CONTAINER&name=NAME, as in ?from=abc-web-1&name=pricing:80');
    response.json(await examine(cluster, from, name));
  });
}

/** The links of the path, up to the first that is broken. */
async function examine(cluster: Examined, from: string, name: string): Promise<readonly Link[]> {
  const { findings } = await cluster.audit(false);
  const observed = cluster.observe();
  const services = serviceReports(cluster.services().list(), cluster.now());
  const input: DoctorInput = {
    from,
    name,
    names: observed.instances,
    instances: services.flatMap(({ deployment, service, instances }) => instances.map((one) => ({ deployment, service, ...one }))),
    hosts: hostReports(observed),
    networks: networkReports(observed),
    outside: cluster.outside().list(),
    findings,
  };
  /** Hosts that cannot make a call now. */
  const silent = new Map<string, string>();
  const dial = async (call: Call, host: string): Promise<readonly (Call & DialResult)[]> => {
    try {
      return [{ ...call, ...(await cluster.dial(host, call.address, call.port)) }];
    } catch (error) {
      if (!(error instanceof ArpanetError) || statusOf(error) < 500) throw error;
      silent.set(host, error.message);
      return [];
    }
  };
  const dialled = (await Promise.all(callsOf(input).map((call) => dial(call, call.host)))).flat();
  const unanswered = dialled.filter(({ outcome, host, targetHost }) => outcome === 'silent' && targetHost !== host);
  const near = (await Promise.all(unanswered.map((call) => dial(call, call.targetHost)))).flat();
  return diagnose({ ...input, dialled, near, silent });
}
