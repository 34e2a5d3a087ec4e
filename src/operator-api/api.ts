/** The operator's HTTP API, `/arpanet/v1/…`, answered by the leader. Effects: an express application that reads what it is handed. */
import express, { type Request, type Response } from 'express';
import { VERSION } from '../config/version.ts';
import type { Boot, Deployments, EngineEndpoint, HostOperations, RehearsedCreate, Services } from '../contracts/index.ts';
import {
  ArpanetError,
  type ContainerUsage,
  type ContainerView,
  type Explained,
  type DialResult,
  type NetworkCreateRequest,
  type OutsideName,
  type Placement,
  type ProcessFaults,
  protocolFault,
} from '../model/index.ts';
import { type Identity, identityOf, isFromScheduler, noteTarget, type Peer, requestPeer } from '../security/index.ts';
import { type CaOperations, caRoutes } from './ca-routes.ts';
import { type KeyOperations, keyRoutes } from './key-routes.ts';
import { reportFault } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';
import type { AuditReport } from './audit.ts';
import { auditLogRoute, type AuditLines, refuseUselessMatch } from './recorded-calls.ts';
import { OF_THE_STORE, refuseMalformed, whenReady } from './before-routes.ts';
import { answerError, bodyOf, readBytes, readShortBytes } from './bodies.ts';
import { bootRoutes } from './boot-routes.ts';
import { doctorRoute } from './examine.ts';
import { hostRoutes } from './host-routes.ts';
import { limitOf, sendList, WATCH_LIST, type WatchList } from './lists.ts';
import { type ClusterSettings, settingRoutes } from './setting-routes.ts';
import { joiningRoutes, type Joining } from './joining/routes.ts';
import { type SchemaOperations, schemaRoutes } from './schema-routes.ts';
import { createOperations, type OperationRoutes, type Operations } from './operations.ts';
import { deploymentRoutes } from './deployment-routes.ts';
import { serviceRoutes } from './service-routes.ts';
import { type Policies, policyRoutes } from './policy/policy-routes.ts';
import { refuseUnlessAllowed, userRoutes, type Users } from './user-routes.ts';
import { logRoute } from './live/logs.ts';
import { createWatches, type Live } from './live/watch.ts';
import { signInRoutes } from './sign-in.ts';
import { terminalRoutes } from './terminals/routes.ts';
import type { Terminals } from './terminals/terminals.ts';
import { explainedTo } from './reports/explain-answer.ts';
import { topReport } from './reports/top-report.ts';
import { networkReports, type Observed, statusReport } from './reports/report.ts';

export { operatorRoute } from './recorded-calls.ts';
export type { ClusterSettings } from './setting-routes.ts';
export { liveRows } from './live/rows.ts';
export type { Live } from './live/watch.ts';
export { createOperations } from './operations.ts';
export { createTerminals } from './terminals/terminals.ts';
export { servePage } from './ui/serve-page.ts';
export { clusterFamilies } from './reports/cluster-metrics.ts';

/** Settings, users, names and operations change without notice. */
const LIST_POLL_MS = 2_000;
/** Longer than a package takes to come. */
const UPGRADE_TOKEN_MS = 3_600_000;

/** DNS records that operators add for what does not run in the cluster. */
export interface OutsideNames {
  readonly list: () => readonly OutsideName[];
  /** All that the name has now. Throws `invalid`, `conflict`. */
  readonly add: (name: string, type: string, value: string) => Promise<OutsideName>;
  /** What was removed: all of the name, of a type of it, or one entry. Throws `not-found`. */
  readonly remove: (name: string, type: string | undefined, value: string | undefined) => Promise<OutsideName>;
}

/** Where a create would go, and the addresses that it would get, by the network's name. */
export type Rehearsal = Placement & { readonly addresses: Readonly<Record<string, string>> };

/** What the operator API reads and calls, all of it at the leader. Functions throw `not-leader` on a scheduler that does not lead. */
export interface OperatorDeps {
  /** Resolves when all known hosts have come back to this leader, or their grace is over. Rejects when that lasts too long. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** Throws `not-leader` where nothing is known because this scheduler does not lead. */
  readonly observe: () => Observed;
  readonly token: () => string;
  /** The new one. Throws `conflict` while there are hosts without a certificate. */
  readonly rotateToken: () => Promise<string>;
  /** One that ends by itself. Throws `invalid` for its time, `conflict` where hosts join without TLS. */
  readonly issueToken: (request: {
    readonly isSingleUse: boolean;
    readonly ttlMs?: number;
    readonly host?: string;
  }) => Promise<{ readonly token: string; readonly untilMs: number }>;
  /** Such a one joins nobody from now on, and is forgotten. */
  readonly withdrawToken: (token: string) => Promise<void>;
  /** Gives a host its certificate. Throws `unauthorized`, `forbidden`, `invalid`, `unavailable`. */
  readonly join: (
    request: {
      readonly name: string;
      readonly publicKey: string;
      readonly token: string | undefined;
      readonly clockMs: number;
    },
    peer: Peer | undefined,
  ) => Promise<{ readonly certificate: string; readonly bundle: string }>;
  /** What machines need that are to join, and what is said to them before. */
  readonly joining: () => Joining;
  /** What its agent says in Prometheus' text format 0.0.4. Throws `not-found`, `unavailable`. */
  readonly hostMetrics: (host: string) => Promise<string>;
  /** Takes its certificate from a host. Throws `not-found`, `conflict`. */
  readonly revoke: (host: string) => Promise<void>;
  /** A host that was revoked may join again. Throws `not-found`, `conflict`. */
  readonly readmit: (host: string) => Promise<void>;
  /** Throws `not-leader`. */
  readonly cas: () => CaOperations;
  /** The cluster's CAs, in PEM form; undefined: it has none. */
  readonly bundle: () => string | undefined;
  /** All that the store holds, for a backup. */
  readonly everything: () => readonly (readonly [key: string, value: unknown])[];
  /** The kept decision of a container, by name or id. Throws `not-found`. */
  readonly decision: (reference: string) => Explained;
  /** Where these would go if they were created now, one after the other. `isHeld`: the creates that follow get it, in whatever order they come. */
  readonly rehearse: (
    creates: readonly RehearsedCreate[],
    networks: readonly NetworkCreateRequest[],
    isHeld: boolean,
  ) => Promise<readonly Rehearsal[]>;
  /** Compares all that is known with all that is; with `fix` the reconcilers run first. */
  readonly audit: (fix: boolean) => Promise<AuditReport>;
  /** Deletes a record that cannot be read, by its key. Throws `not-found`. */
  readonly discard: (key: string) => Promise<void>;
  /** Services with a replica count. Throws `not-leader`. */
  readonly services: () => Services;
  readonly hostOperations: () => HostOperations;
  /** As far as this client may see and change them. Throws `not-leader`. */
  readonly deployments: (identity: Identity | undefined) => Deployments;
  /** Absent: its own. */
  readonly operations?: Operations & OperationRoutes;
  readonly boot: () => Boot;
  /** The same for somebody who has a role. Throws `not-leader`, `unavailable`. */
  readonly narrowed: (identity: Identity) => Part;
  /** Calls a port from a host. Throws `unavailable`. */
  readonly dial: (host: string, address: string, port: number) => Promise<DialResult>;
  readonly outside: () => OutsideNames;
  readonly config: () => ClusterSettings;
  /** Throws `not-leader`. */
  readonly users: () => Users;
  /** Throws `not-leader`. */
  readonly policies: () => Policies;
  /** What the running containers of all hosts use now. */
  readonly usage: () => Promise<readonly ContainerUsage[]>;
  /** A follower announces itself, or that it ends. */
  readonly peer: (peer: {
    readonly name: string;
    readonly url: string;
    readonly gone: boolean;
    readonly faults?: ProcessFaults;
    readonly exposed?: readonly string[];
    readonly auditTrouble?: string;
    readonly version?: string;
    readonly byLine?: boolean;
    /** The number of the highest schema of records that it reads. */
    readonly schema?: number;
    readonly keys?: readonly string[];
  }) => void;
  /** Which records the store may have. Throws `not-leader`. */
  readonly schema: () => SchemaOperations;
  /** The cluster keys, in base64, for a scheduler that has others than the leader; undefined: it has the same, or must not get them. */
  readonly keysFor: (had: readonly string[]) => readonly string[] | undefined;
  readonly keys: () => KeyOperations;
  /** Throws `not-leader`. */
  readonly auditLog: () => AuditLines;
  /** What changes and what happens under this leadership. */
  readonly live: () => Live;
  readonly terminals: Terminals;
  readonly engine: (host: string) => EngineEndpoint;
  /** A secret that schedulers alone have. Rejects with `unavailable`. */
  readonly secret: () => Promise<string>;
  /** Throws `not-found`. */
  readonly container: (reference: string) => ContainerView;
  readonly now: () => number;
  readonly log: Logger;
}

/** What is answered otherwise to who is limited to deployments, or has a policy. */
export type Part = Pick<OperatorDeps, 'observe' | 'decision' | 'rehearse' | 'services' | 'live' | 'container'>;

/** An express application: `GET hosts`, `status`, `networks`, `names`, `records`, `token`, `backup`, `explain/<container>`, `audit`, and `POST audit/fix`, `audit/discard`, `records`, … below `/arpanet/v1`. */
export function operatorApi(deps: OperatorDeps): express.Express {
  const app = express();
  app.disable('x-powered-by');
  // who may ask for a route is decided by its words as they are written here
  app.enable('case sensitive routing');
  const router = express.Router({ caseSensitive: true });
  const partOf = (request: Request): Part => {
    const identity = identityOf(request);
    return identity === undefined ? deps : deps.narrowed(identity);
  };
  router.use((request, _response, next) => {
    refuseMalformed(request);
    refuseUselessMatch(request);
    next();
  });
  router.use(refuseUnlessAllowed);
  router.use(async (request, response, next) => {
    if (!OF_THE_STORE.has(request.path.split('/')[1] ?? '')) await whenReady(deps, request, response);
    next();
  });
  router.get('/status', (request, response) => {
    response.json(statusReport(partOf(request).observe()));
  });
  router.get('/top', async (request, response) => {
    const usage = await deps.usage();
    const { limit } = request.query;
    response.json(topReport(partOf(request).observe(), usage, deps.now(), limit === undefined ? undefined : limitOf(limit)));
  });
  router.post('/schedulers', readBytes(), (request, response) => {
    const { name, url, gone, faults, exposed, auditTrouble, version, byLine, keys, protocol, schema } = bodyOf(request, 'SchedulerRequest');
    if (name === undefined || url === undefined) throw new ArpanetError('invalid', 'the request\'s body has no "name" and "url"');
    const apart = gone === true ? undefined : protocolFault(`scheduler ${name}`, protocol);
    if (apart !== undefined) throw new ArpanetError('conflict', apart);
    deps.peer({
      name,
      url,
      gone: gone === true,
      ...(exposed && { exposed }),
      ...(auditTrouble !== undefined && { auditTrouble }),
      ...(version !== undefined && { version }),
      ...(byLine === true && { byLine }),
      ...(keys && { keys }),
      ...(schema !== undefined && { schema }),
      ...(faults === undefined ? {} : { faults: { unexpectedErrors: 0, refusedMessages: 0, ...faults } }),
    });
    // what it passes on is somebody else's
    const isOwn = isFromScheduler(request) && request.headers['arpanet-forwarded'] === undefined;
    const sent = keys !== undefined && gone !== true && isOwn ? deps.keysFor(keys) : undefined;
    response.json(sent === undefined ? {} : { clusterKeys: sent });
  });
  keyRoutes(router, deps.keys);
  schemaRoutes(router, deps.schema);
  router.get('/networks', (request, response) => {
    sendList(
      request,
      response,
      () => networkReports(partOf(request).observe()),
      ({ id }) => id,
    );
  });
  router.get('/names', (request, response) => {
    sendList(
      request,
      response,
      () => partOf(request).observe().instances,
      ({ id, container }) => `${id} ${container}`,
    );
  });
  caRoutes(router, deps.cas);
  router.get('/ca', (_request, response) => {
    const bundle = deps.bundle();
    if (bundle === undefined) throw new ArpanetError('unavailable', 'this scheduler knows no CA of the cluster yet');
    response.json({ bundle });
  });
  router.post('/join', readShortBytes(), async (request, response) => {
    const { name = '', publicKey = '', token, clockMs = 0 } = bodyOf(request, 'JoinRequest');
    noteTarget(request, { object: name, host: name });
    response.json(await deps.join({ name, publicKey, token, clockMs }, requestPeer(request)));
  });
  router.get('/token', (_request, response) => {
    response.json({ token: deps.token() });
  });
  router.post('/token', readBytes(), async (request, response) => {
    const { singleUse = false, ttlMs, host } = bodyOf(request, 'TokenRequest');
    response.json(
      await deps.issueToken({ isSingleUse: singleUse, ...(ttlMs !== undefined && { ttlMs }), ...(host !== undefined && { host }) }),
    );
  });
  router.post('/token/rotate', async (_request, response) => {
    response.json({ token: await deps.rotateToken() });
  });
  router.get('/backup', (_request, response) => {
    response.json(deps.everything());
  });
  router.get('/audit', async (_request, response) => {
    response.json(await deps.audit(false));
  });
  router.post('/audit/fix', async (_request, response) => {
    response.json(await deps.audit(true));
  });
  router.post('/audit/discard', readBytes(), async (request, response) => {
    const { key } = bodyOf(request, 'DiscardRequest');
    if (key === undefined) throw new ArpanetError('invalid', 'the request\'s body has no text "key"');
    await deps.discard(key);
    response.json({ key });
  });
  router.get('/explain/:container', (request, response) => {
    response.json(explainedTo(partOf(request), request.params.container));
  });
  router.post('/rehearse', readBytes(), async (request, response) => {
    const { creates, networks = [], hold = false } = bodyOf(request, 'RehearseRequest');
    const given = creates?.flatMap(({ name, request: create, isReplacement = false }) =>
      name === undefined || create === undefined ? [] : [{ name, request: create, isReplacement }],
    );
    if (given === undefined || given.length !== creates?.length)
      throw new ArpanetError('invalid', 'the request\'s body has no list "creates" of {name, request}');
    response.json(await partOf(request).rehearse(given, networks, hold));
  });
  router.get('/dial', async (request, response) => {
    const [host = '', container = '', address = '', port = ''] = ['host', 'container', 'address', 'port'].map((name) => {
      const given = request.query[name];
      return typeof given === 'string' ? given : '';
    });
    // Only containers of the cluster: a host must not become a relay to other addresses.
    const known = deps.observe().instances.find((one) => one.container === container);
    if (known === undefined || !Object.values(known.addresses).includes(address) || !(Number(port) > 0 && Number(port) < 65_536))
      throw new ArpanetError('invalid', `${address}:${port} is not an address and port of a container of the cluster`);
    response.json(await deps.dial(host, address, Number(port)));
  });
  doctorRoute(router, deps);
  router.get('/records', (request, response) => {
    sendList(
      request,
      response,
      () => deps.outside().list(),
      ({ name }) => name,
    );
  });
  router.post('/records', readBytes(), async (request, response) => {
    const { name = '', type = '', value = '' } = bodyOf(request, 'RecordRequest');
    noteTarget(request, { object: name });
    response.json(await deps.outside().add(name, type, value));
  });
  router.post('/records/rm', readBytes(), async (request, response) => {
    const { name = '', type, value } = bodyOf(request, 'RecordRequest');
    noteTarget(request, { object: name });
    response.json(await deps.outside().remove(name, type, value));
  });
  settingRoutes(router, deps.config);
  router.get('/openapi.json', async (_request, response) => {
    // with its schemas only where it is asked for
    const { openApi } = await import('./openapi/document.ts');
    response.json(openApi(VERSION));
  });
  router.get('/reference', async (_request, response) => {
    const [{ openApi }, { PAGE_POLICY, referencePage }] = await Promise.all([import('./openapi/document.ts'), import('./openapi/page.ts')]);
    response.setHeader('Content-Security-Policy', PAGE_POLICY).setHeader('X-Content-Type-Options', 'nosniff');
    response.type('html').send(referencePage(openApi(VERSION)));
  });
  const unexpected = (error: unknown): void => reportFault(deps.log, 'a request of an operator', error);
  const watch = createWatches(deps.log);
  router.get('/watch', (request, response) => {
    const limited = identityOf(request)?.deployments;
    watch(limited === undefined ? '' : JSON.stringify(limited), partOf(request).live(), request, response);
  });
  const watchList: WatchList = (request, response, rows) => {
    // another client's rows may be others, of the same address
    const who = `${JSON.stringify(identityOf(request) ?? null)} ${request.originalUrl.replace(/[?&]version=[^&]*/, '')}`;
    watch(who, { ...partOf(request).live(), rows, onEvent: () => undefined, pollMs: LIST_POLL_MS }, request, response);
  };
  app.set(WATCH_LIST, watchList);
  const { answer, routes } = deps.operations ?? createOperations(deps.now, unexpected);
  routes(router);
  deploymentRoutes(router, (request) => deps.deployments(identityOf(request)), answer);
  serviceRoutes(router, (request) => partOf(request).services(), answer);
  const release = () => {
    const { version, place } = deps.joining();
    const { url } = place();
    // without TLS there is no other, and no host that upgrades itself
    const token = async (host: string) => {
      if (!url.startsWith('https:')) return { token: deps.token(), withdraw: async () => undefined };
      const issued = (await deps.issueToken({ isSingleUse: false, ttlMs: UPGRADE_TOKEN_MS, host })).token;
      return { token: issued, withdraw: () => deps.withdrawToken(issued) };
    };
    return { url, release: version, token };
  };
  hostRoutes(router, deps, { release, seen: (request) => partOf(request).observe(), answer });
  signInRoutes(router, deps);
  terminalRoutes(router, deps.terminals, (request, reference) => partOf(request).container(reference));
  logRoute(router, deps, partOf);
  userRoutes(router, deps.users);
  policyRoutes(router, deps.policies);
  joiningRoutes(router, deps.joining);
  bootRoutes(router, deps.boot);
  auditLogRoute(router, deps.auditLog);
  app.use('/arpanet/v1', router);
  app.use((request: Request, response: Response) =>
    response.status(404).json({ message: `no such operator route: ${request.method} ${request.path}` }),
  );
  app.use(answerError(unexpected));
  return app;
}
