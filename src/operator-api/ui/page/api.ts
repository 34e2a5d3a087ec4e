/** What the dashboard asks its scheduler: `/arpanet/v1` by the client that others import, too, and Docker's own API. Effects: HTTP requests. */
import { createClient, fetchSend, RequestError, type Answer, type Given } from '../../../client/index.ts';

const cluster = createClient(fetchSend());

type Progress = (line: string) => void;
type Files = Exclude<Given<'putDeploymentsOne'>['body'], string | undefined>;
interface Service {
  readonly deployment: string;
  readonly service: string;
}
const referenceOf = ({ deployment, service }: Service): string => `${deployment}/${service}`;
const only = (service: Service) => ({ body: { services: [referenceOf(service)] } });

export const identity = () => cluster.call('getMe');
export const operations = () => cluster.call('getOperations');
export const audit = () => cluster.call('getAudit');
export const doctor = (from: string, name: string) => cluster.call('getDoctor', { from, name });
export const explain = (container: string) => cluster.call('getExplainOne', { container });
/** Lines as they come, until the signal aborts. */
export const logs = (given: Given<'getLogs'>, signal: AbortSignal) => cluster.lines('getLogs', given, { signal });

/** The last lines, oldest first. */
export async function auditLog(): Promise<readonly Answer<'getAuditLog'>[]> {
  const lines: Answer<'getAuditLog'>[] = [];
  for await (const line of cluster.lines('getAuditLog')) lines.push(line);
  return lines;
}

export const scalePlan = (service: Service, count: number) =>
  cluster.call('getServicesScale', { count: `${referenceOf(service)}=${count}` });
export const scale = (service: Service, count: number, progress: Progress) =>
  cluster.work('postServicesScale', { body: { counts: [`${referenceOf(service)}=${count}`] } }, { progress });
/** With the same image all instances are replaced. */
export const update = (service: Service, image: string, force: boolean, progress: Progress) =>
  cluster.work('postServicesUpdate', { body: { ...only(service).body, image, force } }, { progress });
export const rollback = (service: Service, progress: Progress) => cluster.work('postServicesRollback', only(service), { progress });
export const restart = (service: Service, progress: Progress) => cluster.work('postServicesRestart', only(service), { progress });
export const remove = (service: Service, progress: Progress) => cluster.work('postServicesRm', only(service), { progress });
export const rebalancePlan = () => cluster.call('getRebalance');
export const rebalance = (progress: Progress) => cluster.work('postRebalance', {}, { progress });
export const drain = (host: string, progress: Progress) => cluster.work('postHostsDrain', { host }, { progress });
export const activate = (host: string) => cluster.call('postHostsActivate', { host });

export const deployPlan = (name: string, body: Files) => cluster.plan('putDeploymentsOne', { name, body });
export const deploy = (name: string, body: Files, progress: Progress) => cluster.work('putDeploymentsOne', { name, body }, { progress });
export const release = (name: string, progress: Progress) => cluster.work('deleteDeploymentsOne', { name }, { progress });

/** Of long work: its leader or the connection was lost, and the cluster continues it. */
export const isLost = (error: unknown): boolean => error instanceof RequestError && (error.kind === 'cut' || error.kind === 'unavailable');

/** A ticket that opens a terminal once. */
export const terminalTicket = (container: string, attach: boolean) => cluster.call('postTerminals', { body: { container, attach } });
/** By the code of a link; throws for one that was used. */
export const signIn = (code: string) => cluster.call('postSession', { body: { code } });
/** Takes the session from this browser. */
export const signOut = () => cluster.call('deleteSession');

/** Of Docker's own API. */
async function docker(path: string): Promise<unknown> {
  const answer = await fetch(path);
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  throw new Error((JSON.parse(text) as { readonly message?: string }).message ?? text);
}
export const volumes = () => docker('/volumes');
export const images = () => docker('/images/json');
