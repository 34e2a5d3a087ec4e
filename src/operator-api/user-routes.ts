/** The operator's routes for users, and who may ask for which route. Effects: express. */
import type { NextFunction, Request, Response, Router } from 'express';
import { ArpanetError } from '../model/index.ts';
import { type Access, clientOf, type Identity, identityOf, noteTarget, refuseAccess } from '../security/index.ts';
import { bodyOf, readBytes, type UserRequest } from './bodies.ts';
import { refuseStale, sendList, sendTagged } from './lists.ts';

/** A user, as administrators see it. */
export interface UserReport {
  readonly name: string;
  readonly role: Identity['role'];
  /** Empty: all. */
  readonly deployments: readonly string[];
  /** Since 1970. */
  readonly createdAtMs: number;
  /** Since 1970; absent: it has no certificate of the cluster's CA. */
  readonly validUntilMs?: number;
}

/** What is given to who made the keys. In PEM form. */
export interface UserBundle {
  readonly user: UserReport;
  readonly certificate?: string;
  /** Of the cluster. */
  readonly ca?: string;
}

/** Users of the cluster. */
export interface Users {
  readonly list: () => readonly UserReport[];
  /** Throws `invalid`, and `conflict` where there is one of this name. */
  readonly add: (request: UserRequest) => Promise<UserBundle>;
  /** Throws `not-found`, `invalid`. */
  readonly renew: (request: UserRequest) => Promise<UserBundle>;
  /** Its connections end at once. Throws `not-found`. */
  readonly remove: (name: string) => Promise<UserReport>;
}

/** First segments below `/arpanet/v1` of what only administrators may ask for: who may do what, and what is secret. */
const ADMINISTRATORS: ReadonlySet<string> = new Set(['users', 'token', 'cas', 'keys', 'backup', 'boot', 'schedulers', 'audit-log']);
/** What a GET may show to who reads. */
const SHOWN: ReadonlySet<string> = new Set(
  'me status top watch logs hosts networks names services deployments explain records config rebalance audit policy operations openapi.json reference'.split(
    ' ',
  ),
);

/** What somebody has who is limited to deployments, of these alone. */
const NARROWED =
  /^\/(?:me|status|top|watch|logs|hosts|networks|names|rehearse|policy|policy\/test|services|services\/\w+|openapi\.json|reference|explain\/[^/]+|deployments|deployments\/[^/]+|operations|operations\/[^/]+|operations\/[^/]+\/stop|terminals|sign-ins|session)\/?$/;

/** Pure. A route that nobody has decided about is for operators. */
export function operatorAccess(method: string, path: string): Access {
  const first = path.split('/').find((part) => part !== '') ?? '';
  if (ADMINISTRATORS.has(first)) return 'cluster';
  if (first === 'policy') return method === 'PUT' ? 'cluster' : 'read';
  if (first === 'terminals') return 'inside';
  if (first === 'sign-ins' || first === 'session') return 'read';
  if (method === 'POST' && (first === 'services' || first === 'rehearse')) return 'change';
  if (method !== 'GET' && method !== 'HEAD' && (first === 'deployments' || first === 'operations')) return 'change';
  return (method === 'GET' || method === 'HEAD') && SHOWN.has(first) ? 'read' : 'all';
}

/** What is of all deployments is refused to who is limited to some. */
export function refuseUnlessAllowed(request: Request, _response: Response, next: NextFunction): void {
  const identity = identityOf(request);
  if (identity === undefined) return next();
  const what = `${request.method} ${request.baseUrl}${request.path}`;
  const refusal = refuseAccess(identity, operatorAccess(request.method, request.path), what);
  if (refusal !== undefined) throw new ArpanetError('forbidden', refusal);
  if (identity.deployments !== undefined && !NARROWED.test(request.path))
    throw new ArpanetError(
      'forbidden',
      `${identity.name} is limited to ${identity.deployments.join(', ')}, and ${what} is of all deployments`,
    );
  next();
}

export function userRoutes(router: Router, users: () => Users): void {
  router.get('/me', (request, response) => {
    const { name, role = 'admin', deployments }: Partial<Identity> = identityOf(request) ?? {};
    const isSession = clientOf(request)?.isSession === true;
    response.json({ role, ...(name !== undefined && { name }), ...(deployments && { deployments }), isSession });
  });
  router.get('/users', (request, response) => {
    sendList(
      request,
      response,
      () => users().list(),
      ({ name }) => name,
    );
  });
  const userOf = (request: Request): UserReport | undefined =>
    users()
      .list()
      .find(({ name }) => name === request.params['name']);
  router.get('/users/:name', (request, response) => {
    const found = userOf(request);
    if (found === undefined) throw new ArpanetError('not-found', `no such user: ${request.params.name}`);
    sendTagged(response, found);
  });
  router.use('/users/:name', (request, _response, next) => {
    if (request.method !== 'GET') refuseStale(request, userOf(request) ?? null);
    next();
  });
  router.post('/users', readBytes(), async (request, response) => {
    const given = bodyOf(request, 'UserRequest');
    noteTarget(request, { object: given.name });
    response.json(await users().add(given));
  });
  router.post('/users/:name/renew', readBytes(), async (request, response) => {
    response.json(await users().renew({ ...bodyOf(request, 'UserRequest'), name: String(request.params['name']) }));
  });
  router.post('/users/:name/rm', async (request, response) => {
    response.json(await users().remove(request.params.name));
  });
}
