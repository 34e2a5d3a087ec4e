/** The operator's routes for hosts. Effects: express; the work itself is done by the services room. */
import type { Request, Router } from 'express';
import type { Boot, CleanRequest, HostOperations, Progress, RebalanceRequest, ReleaseSource, Services } from '../contracts/index.ts';
import { ArpanetError, type HostChange } from '../model/index.ts';
import { noteTarget } from '../security/index.ts';
import { bodyOf, readBytes } from './bodies.ts';
import { type HostDetail, hostDetail } from './reports/host-report.ts';
import { hostReports, type Observed } from './reports/report.ts';
import { refuseStale, sendDefined, sendList } from './lists.ts';
import type { AnswerInLines } from './operations.ts';

interface HostRouteDeps {
  readonly observe: () => Observed;
  readonly services: () => Services;
  readonly hostOperations: () => HostOperations;
  readonly boot: () => Boot;
  readonly hostMetrics: (host: string) => Promise<string>;
  readonly revoke: (host: string) => Promise<void>;
  readonly readmit: (host: string) => Promise<void>;
}

/** What the operator's API itself gives its routes of hosts. */
interface OwnParts {
  /** As who asks has it. */
  readonly seen: (request: Request) => Observed;
  /** That of this scheduler. Throws `conflict` where no machine reaches it. */
  readonly release: () => Pick<ReleaseSource, 'url' | 'release' | 'token'>;
  readonly answer: AnswerInLines;
}

export function hostRoutes(router: Router, deps: HostRouteDeps, { seen, release, answer }: OwnParts): void {
  const { observe, services, hostOperations: hosts } = deps;
  const body = readBytes();
  const nameOf = (request: Request) => String(request.params['host']);
  /** Where the request approves a machine for the host: nothing is done if that is refused. */
  const withMachine = async <T>(request: Request, host: string, address: string | undefined, work: () => Promise<T>): Promise<T> => {
    const { macs, serial } = bodyOf(request, 'HostRequest');
    const given = { ...(macs && { macs }), ...(serial && { serial }) };
    if ((macs ?? []).length === 0 && given.serial === undefined) return await work();
    const ids = deps.boot().ids(host, given);
    const done = await work();
    await deps.boot().approve(host, ids, address);
    return done;
  };
  const long = (path: string, work: (request: Request, progress: Progress) => Promise<unknown>) =>
    router.post(path, body, (request, response) => answer(response, (progress) => work(request, progress)));

  router.get('/hosts', (request, response) => {
    sendList(
      request,
      response,
      () => hostReports(seen(request)),
      ({ name }) => name,
    );
  });
  router.get('/hosts/:host', (request, response) => {
    const detail = hostDetail(observe(), nameOf(request), Date.now());
    sendDefined(response, detail, definitionOf(detail));
  });
  router.use('/hosts/:host', (request, _response, next) => {
    if (request.method !== 'GET' && request.headers['if-match'] !== undefined)
      refuseStale(request, definitionOf(hostDetail(observe(), nameOf(request), Date.now())));
    next();
  });
  router.get('/hosts/:host/metrics', async (request, response) => {
    response.type('text/plain; version=0.0.4').send(await deps.hostMetrics(nameOf(request)));
  });
  router.get('/hosts/:host/clean', async (request, response) => {
    response.json(await hosts().cleanPlan(nameOf(request), cleanRequest(request.query)));
  });
  router.get('/rebalance', (request, response) => {
    response.json(hosts().rebalancePlan(rebalanceRequest(request.query)));
  });
  long('/hosts', (request, progress) => {
    const { name, address } = bodyOf(request, 'HostRequest');
    if (name === undefined) throw new ArpanetError('invalid', 'the request\'s body has no "name"');
    noteTarget(request, { object: name, host: name });
    const options = { ...hostChange(request), ...(address === undefined ? {} : { address }) };
    return withMachine(request, name, address, () => hosts().add(name, options, progress));
  });
  router.post('/hosts/:host/update', body, async (request, response) => {
    const host = nameOf(request);
    response.json(await withMachine(request, host, undefined, () => hosts().update(host, hostChange(request))));
  });
  const isForced = (request: Request) => bodyOf(request, 'HostRequest').force === true;
  long('/hosts/:host/rm', (request, progress) => hosts().remove(nameOf(request), isForced(request), progress));
  long('/hosts/:host/reset', (request, progress) => hosts().reset(nameOf(request), isForced(request), progress));
  long('/hosts/:host/drain', (request, progress) =>
    services().drain(nameOf(request), progress, deadlineOf(bodyOf(request, 'HostRequest').deadlineMs)),
  );
  long('/hosts/:host/upgrade', (request, progress) => {
    const { drain, force } = bodyOf(request, 'HostRequest');
    return hosts().upgrade(nameOf(request), { ...release(), isDrained: drain === true, isForced: force === true }, progress);
  });
  router.post('/hosts/:host/activate', async (request, response) => {
    response.json(await hosts().activate(nameOf(request)));
  });
  for (const verb of ['revoke', 'readmit'] as const)
    router.post(`/hosts/:host/${verb}`, async (request, response) => {
      const host = nameOf(request);
      await deps[verb](host);
      response.json({ host });
    });
  long('/hosts/:host/fillup', (request, progress) => hosts().fillUp(nameOf(request), progress));
  long('/hosts/:host/clean', (request, progress) => hosts().clean(nameOf(request), cleanRequest(bodyOf(request, 'HostRequest')), progress));
  long('/rebalance', (request, progress) => hosts().rebalance(rebalanceRequest(bodyOf(request, 'RebalanceRequest')), progress));
}

/** What of a host a person sets. */
const definitionOf = ({ name, address, availability, labels, limits }: HostDetail) => ({ name, address, availability, labels, limits });

/** Longer than a week is a mistake, and more than a timer can wait. */
const MAX_DEADLINE_MS = 7 * 24 * 3600_000;

function deadlineOf(deadlineMs: number | undefined): { readonly deadlineMs?: number } {
  if (deadlineMs === undefined || deadlineMs === null) return {};
  if (deadlineMs > 0 && deadlineMs <= MAX_DEADLINE_MS) return { deadlineMs };
  throw new ArpanetError('invalid', `deadlineMs is ${deadlineMs}: it is more than 0, and at most ${MAX_DEADLINE_MS} (a week)`);
}

const isOn = (value: unknown): boolean => value === true || value === 'true' || value === '1';

const cleanRequest = (given: { readonly [Key in keyof CleanRequest]?: unknown }): CleanRequest => ({
  all: isOn(given.all),
  volumes: isOn(given.volumes),
  networks: isOn(given.networks),
});

function rebalanceRequest(given: { readonly max?: unknown; readonly onto?: unknown }): RebalanceRequest {
  const { max, onto } = given;
  const count = max === undefined ? undefined : Number(max);
  if (count !== undefined && !(Number.isInteger(count) && count > 0))
    throw new ArpanetError('invalid', `--max is "${String(max)}": it is how many instances may be moved, 1 or more`);
  return { ...(count === undefined ? {} : { max: count }), ...(typeof onto === 'string' ? { onto } : {}) };
}

function hostChange(request: Request): HostChange {
  const { availability, labels, limits } = bodyOf(request, 'HostRequest');
  if (availability !== undefined && availability !== 'active' && availability !== 'pause')
    throw new ArpanetError('invalid', `a host is set to active or pause; "arpanet drain HOST" empties it`);
  return {
    ...(availability === undefined ? {} : { availability }),
    ...(labels === undefined ? {} : { labels }),
    ...(limits === undefined ? {} : { limits: checkedLimits(limits) }),
  };
}

function checkedLimits(limits: Readonly<Record<string, number | null>>): NonNullable<HostChange['limits']> {
  const known = ['cpus', 'memoryBytes', 'maxContainers'];
  const wrong = Object.entries(limits).find(
    ([name, value]) => !known.includes(name) || (value !== null && !(typeof value === 'number' && value > 0 && Number.isFinite(value))),
  );
  if (wrong !== undefined)
    throw new ArpanetError('invalid', `limit ${wrong[0]} is ${String(wrong[1])}: it is a number above 0, or null for none`);
  return limits;
}
