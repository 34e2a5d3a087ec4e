/** The operator's routes for services; long work is answered as operations.ts says. Effects: express; the work itself is done by the services room. */
import type { Request, Router } from 'express';
import type { Progress, Services } from '../contracts/index.ts';
import {
  ArpanetError,
  type CreateRequest,
  labels,
  parseShare,
  type ServiceTemplate,
  type ServiceView,
  UPDATE_DEFAULTS,
} from '../model/index.ts';
import { noteTarget, servicesTarget } from '../security/index.ts';
import { bodyOf, readBytes, type ReplaceRequest, type ServicesRequest, type UpdateRequest } from './bodies.ts';
import { etagOf, refuseStale, sendList } from './lists.ts';
import type { AnswerInLines } from './operations.ts';
import { serviceReports } from './reports/service-report.ts';

export function serviceRoutes(router: Router, servicesOf: (request: Request) => Services, answer: AnswerInLines): void {
  const body = readBytes();
  router.get('/services', (request, response) => {
    const { of } = request.query;
    const wanted = typeof of === 'string' && of !== '' ? of : undefined;
    const found = () => {
      const services = servicesOf(request);
      const all = services.list();
      const whole = all.filter((service) => service.deployment === wanted);
      return wanted === undefined ? all : whole.length > 0 ? whole : [services.find(wanted)];
    };
    const one = wanted === undefined || request.query['watch'] !== undefined ? [] : found();
    if (one.length === 1) response.setHeader('ETag', etagOf(definitionOf(one[0])));
    sendList(
      request,
      response,
      () => serviceReports(found(), Date.now()),
      ({ deployment, service }) => `${deployment}/${service}`,
    );
  });
  router.get('/services/scale', (request, response) => {
    const { count } = request.query;
    if (typeof count !== 'string' || count === '') throw new ArpanetError('invalid', 'give ?count=SERVICE=COUNT, as in ?count=abc/web=5');
    response.json(servicesOf(request).scalePlan(count));
  });
  const long = (path: string, work: (request: Request, progress: Progress) => Promise<unknown>) =>
    router.post(path, body, (request, response) => {
      refuseStaleService(request, servicesOf);
      return answer(response, (progress) => work(request, progress));
    });

  long('/services/scale', (request, progress) => servicesOf(request).scale(texts(request, 'counts'), progress));
  long('/services/rm', (request, progress) => servicesOf(request).remove(texts(request, 'services'), progress));
  for (const how of ['stop', 'start', 'restart'] as const)
    long(`/services/${how}`, (request, progress) => servicesOf(request).power(how, texts(request, 'services'), progress));
  long('/services/rollback', async (request, progress) => {
    const [reference = ''] = texts(request, 'services');
    return (await servicesOf(request).rollback(reference, progress)).done;
  });
  long('/services/update', async (request, progress) => {
    const given = bodyOf(request, 'UpdateRequest');
    const [reference = ''] = texts(request, 'services');
    const services = servicesOf(request);
    const view = services.find(reference);
    const { template } = view;
    if (template === undefined) throw new ArpanetError('not-found', `no such service: ${reference}`);
    const changed = { ...template, request: patched(template.request, given) };
    const { canary, promoteAfterMs } = given;
    if (canary === undefined && promoteAfterMs !== undefined)
      throw new ArpanetError('invalid', 'promoteAfterMs is of a canary: give canary, its share of the requests, too');
    if (canary !== undefined) return services.canaries.begin(reference, changed, { share: shareOf(canary), promoteAfterMs }, progress);
    const settings = { ...given.settings };
    const update = view.record === undefined && Object.keys(settings).length === 0 ? undefined : settings;
    const change = {
      template: changed,
      ...(update === undefined ? {} : { update: { ...(view.record?.update ?? UPDATE_DEFAULTS), ...update } }),
    };
    const ended = await (await services.update(reference, change, progress)).done;
    if (ended === undefined) progress(`${view.deployment}/${view.service}: its instances are up to date (--force replaces them)`);
    return ended;
  });
  router.get('/services/canary', async (request, response) => {
    const { of } = request.query;
    if (typeof of !== 'string' || of === '') throw new ArpanetError('invalid', 'give ?of=SERVICE, as in ?of=abc/web');
    response.json(await servicesOf(request).canaries.look(of));
  });
  long('/services/promote', async (request, progress) => {
    const { force = false } = bodyOf(request, 'UpdateRequest');
    const [reference = ''] = texts(request, 'services');
    return servicesOf(request).canaries.promote(reference, force, progress);
  });
  long('/services/abort', async (request, progress) => {
    const [reference = ''] = texts(request, 'services');
    await servicesOf(request).canaries.abort(reference, progress);
    return [reference];
  });
  long('/services/create', async (request) => {
    const { service: reference, isGlobal, template, settings } = bodyOf(request, 'ReplaceRequest');
    if (reference !== undefined) noteTarget(request, servicesTarget([reference]));
    const [, deployment, service] = /^([^/]+)\/([^/]+)$/.exec(reference ?? '') ?? [];
    const whole = wholeTemplate(template);
    if (deployment === undefined || service === undefined || isGlobal !== true || whole === undefined)
      throw new ArpanetError('invalid', "the request's body is not {service, isGlobal: true, template: {name, number, request}, settings}");
    const update = { ...UPDATE_DEFAULTS, ...settings };
    await servicesOf(request).create({ deployment, service, origin: 'client', desired: 1, isGlobal, template: whole, update, labels: {} });
  });
  long('/services/replace', async (request, progress) => {
    const { service, desired, template, settings } = bodyOf(request, 'ReplaceRequest');
    if (service !== undefined) noteTarget(request, servicesTarget([service]));
    const whole = wholeTemplate(template);
    if (service === undefined || desired === undefined || whole === undefined)
      throw new ArpanetError('invalid', "the request's body is not {service, desired, template: {name, number, request}, settings}");
    const update = { ...UPDATE_DEFAULTS, ...settings };
    return (await servicesOf(request).update(service, { template: whole, desired, update, patienceMs: PATIENCE_MS }, progress)).done;
  });
}

/** What of a service a person sets. */
const definitionOf = (view: ServiceView | undefined) =>
  view && {
    deployment: view.deployment,
    service: view.service,
    desired: view.desired,
    template: view.template,
    version: view.record?.version,
  };

/** By If-Match with the ETag of `GET /services?of=SERVICE`. Throws `stale`, and `invalid` for more than one service. */
function refuseStaleService(request: Request, servicesOf: (request: Request) => Services): void {
  if (request.headers['if-match'] === undefined) return;
  const { services = [], counts = [] } = bodyOf(request, 'ServicesRequest');
  const { service } = bodyOf(request, 'ReplaceRequest');
  const named = [...services, ...counts.map((count) => count.replace(/[=+-]\d+$/, '')), ...(service === undefined ? [] : [service])];
  const [reference] = named;
  if (reference === undefined || named.length !== 1) throw new ArpanetError('invalid', 'If-Match goes with a change of one service');
  refuseStale(request, definitionOf(servicesOf(request).find(reference)));
}

/** Throws `invalid`. */
function shareOf(text: string): number {
  const share = parseShare(text);
  if (share === undefined) throw new ArpanetError('invalid', `a canary's share is "${text}": it must be like 10%, from 1% to 99%`);
  return share;
}

/** Undefined: something of it is missing. */
function wholeTemplate({ name, number, request }: NonNullable<ReplaceRequest['template']> = {}): ServiceTemplate | undefined {
  return name === undefined || number === undefined || request === undefined ? undefined : { name, number, request };
}

/** How long a deploy waits for an operation on the service that runs. */
const PATIENCE_MS = 15_000;

/** `env` adds or replaces by name. */
function patched(request: CreateRequest, { image, env = [], force = false }: UpdateRequest): CreateRequest {
  const nameOf = (entry: string) => entry.split('=', 1)[0] ?? '';
  const changed = new Set(env.map(nameOf));
  return {
    ...request,
    ...(image === undefined ? {} : { Image: image }),
    ...(env.length === 0 ? {} : { Env: [...(request.Env ?? []).filter((entry) => !changed.has(nameOf(entry))), ...env] }),
    ...(force ? { Labels: { ...request.Labels, [labels.forced]: String(Number(request.Labels?.[labels.forced] ?? 0) + 1) } } : {}),
  };
}

function texts(request: Request, field: keyof ServicesRequest): readonly string[] {
  const value = bodyOf(request, 'ServicesRequest')[field] ?? [];
  if (value.length === 0) throw new ArpanetError('invalid', `the request's body has no list "${field}"`);
  noteTarget(request, servicesTarget(value));
  return value;
}
