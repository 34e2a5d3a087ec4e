/**
 * Effects: the endpoint itself. Listens, refuses what is no request, and hands each one to the leader's way (leader.ts) or the follower's
 * (follower.ts), as this scheduler's role is at that moment. While nobody leads, requests wait.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ArpanetError, isKind } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Cluster, ReplicaView } from '../contracts/index.ts';
import { forRequest } from './for-request.ts';
import { ownHeaders } from './request-context.ts';
import { VERSION } from '../config/version.ts';
import { errorBody, isNoPage, noteUnexpected, sendError } from './errors.ts';
import { inBackground } from '../telemetry/faults.ts';
import { EXPOSITION_TYPE } from '../telemetry/metrics.ts';
import { BEGUN, createFollower, leaderWaitMs, noLeader, NOT_LEADER_HEADER } from './follower.ts';
import { asError, cleanerPath, type Refused, refuseFraming, refuseRequest } from './guards.ts';
import { createDoorkeeper, type Doors, isNamed, isOpen, isSaid } from './access/door.ts';
import { createRecognise, type OwnPage } from './access/recognised.ts';
import { type AuditSink, createTrail } from './access/trail.ts';
import { shownTo } from './access/admit.ts';
import { asNakedStream } from './limits/connections.ts';
import { createStreams } from './limits/streams.ts';
import { type Door, type Limits, listenOn, type ListenOn, type ListenTls, urlOf, withoutUpgrade } from './listeners.ts';
import { refuseSocket } from './proxy/hijack.ts';
import { countUpgrade, measureRequest } from './request-metrics.ts';
import { createVersionOf } from './leader-version.ts';
import { createLeader, type Leader, type LeaderDeps, wasStarted } from './leader.ts';
import { answerResourceUsage } from './resource-usage.ts';
import { answerHealth, answerPing } from './own-pages.ts';
import { createReads, type Reads } from './reads/index.ts';
import { followerFault, REPLICA_PATH } from './replica/accept.ts';
import { createReplicaReads } from './replica/reads.ts';
import { type Unanswered, watchUnanswered } from './slow-request-log.ts';
import { isUploading, receiveUpload, uploadOf } from './proxy/uploads.ts';
import { idOf, newId } from './request-id.ts';
import { refuseVersion } from './api-versions.ts';
import { OLDEST_API_VERSION, splitVersion } from '../text/api-version.ts';
import { allowedHosts, identityOf, isJoining, isNameless, seesAll, toSchedulers } from '../security/index.ts';
import { endRefused } from './refused-sender.ts';

/** What the endpoint needs: where to listen, limits, and who answers what is not Docker's API. */
export interface EndpointDeps {
  readonly listen: readonly ListenOn[];
  /** For the addresses that have TLS. */
  readonly tls?: ListenTls;
  /** The people and their roles; absent: a client that reaches an address may do everything. */
  readonly doors?: Doors;
  /** This scheduler's name. */
  readonly name: string;
  /** Names with a dot by which clients may reach it; `*.corp.example` is every name below one. */
  readonly hostNames?: readonly string[] | undefined;
  /** For bodies that the endpoint itself reads: create requests and their like. It may change. */
  readonly bodyLimitBytes: () => number;
  /** How many streams at once; more are refused. */
  readonly streamLimit: number;
  /** What one client may have of it. */
  readonly limits: Limits;
  /** A reader of events that is further behind is cut off. */
  readonly eventsBehindBytes: number;
  readonly log: Logger;
  /** `/arpanet/v1/*` at the leader. */
  readonly operator: RequestListener;
  /** Why the state store cannot be used now, in one line; undefined: it can. */
  readonly trouble: () => string | undefined;
  /** The answer to `GET /metrics`, in Prometheus' text format 0.0.4; absent: there is no such page. */
  readonly metrics?: () => string | Promise<string>;
  /** `GET /ui` and below; absent: there is no such page. */
  readonly page?: RequestListener;
  /** How long the store's answers take, in ms; absent: not known. */
  readonly storeMs?: () => number;
  /** The cluster's join token, as far as this process knows it. */
  readonly token: () => string | undefined;
  /** `/arpanet/v1/agent` at the leader: the naked request, as node:http's `upgrade` gives it. */
  readonly acceptAgent: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** `/arpanet/v1/terminal` at the leader: as acceptAgent. Resolves when it has ended. */
  readonly acceptTerminal?: (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  /** Its copy of the leader's view, while it has one; absent: it never has. */
  readonly replica?: () => ReplicaView | undefined;
  /** Absent: nobody keeps an audit log. */
  readonly audit?: AuditSink;
}

/** Docker's API of one scheduler: answers while it leads, forwards to the leader while it follows. Its disposal ends all connections. */
export interface Endpoint extends AsyncDisposable, Pick<Unanswered, 'settled'> {
  /** Where it listens, in the order asked for; `url` is the first of them, for this process itself. */
  readonly addresses: readonly AddressInfo[];
  readonly url: string;
  /** From now on this scheduler leads, and this is its cluster. */
  lead(cluster: Cluster): void;
  /** From now on another one leads; undefined: nobody, as far as is known. */
  follow(leaderUrl: string | undefined): void;
}

const SWITCHED = 101;
/** Counts as an exec does. */
const TERMINAL = { method: 'GET', path: '/arpanet/v1/terminal', do: 'hijack', at: 'exec' } as const;
type Role =
  | { readonly kind: 'leader'; readonly leader: Leader; readonly cluster: Cluster; readonly epoch: () => number }
  | { readonly kind: 'following'; readonly url: string | undefined };

/** Listens before it knows its role. */
export async function startEndpoint(deps: EndpointDeps): Promise<Endpoint> {
  const { log } = deps;
  const { bodyLimitBytes, storeMs = () => 0 } = deps;
  let role: Role = { kind: 'following', url: undefined };
  let ownUrl: string | undefined;
  let lastUrl: string | undefined;
  /** What the leader said last, for a ping that nobody else answers. */
  let apiVersion = '1.41';
  const toScheduler = () => toSchedulers(deps.tls?.cluster?.current());
  const askVersion = createVersionOf(deps.name, toScheduler);
  /** What else is said on these is nobody's request: where one is refused for its framing, the next may be a part of it. */
  const closing = new WeakSet<Duplex>();
  const awaitingLead = new Set<() => void>();
  const unanswered = watchUnanswered(log);
  const doorkeeper = createDoorkeeper(deps.doors, allowedHosts(deps.hostNames ?? []));
  const recognise = createRecognise({ name: deps.name, header: doorkeeper.header, tls: toScheduler });
  const carry = createStreams(deps.streamLimit, deps.limits);
  const trail = createTrail(deps.audit, deps.name, () => (role.kind === 'leader' ? role.cluster : undefined));

  const follower = createFollower({
    name: deps.name,
    log,
    bodyLimitBytes,
    storeMs,
    trouble: deps.trouble,
    leaderUrl: () => (role.kind === 'leader' ? ownUrl : role.url),
    header: doorkeeper.header,
    tls: toScheduler,
  });

  const replicaReads = createReplicaReads({
    replica: () => (role.kind === 'following' ? deps.replica?.() : undefined),
    reader(view) {
      const reads = createReads(view.cluster, { now: Date.now, version: VERSION, execs: view.execs });
      return leaderOf(view.cluster, reads, () => reads);
    },
    client: doorkeeper.client,
  });

  function leaderOf(cluster: Cluster, reads: Reads, makeReads: LeaderDeps['makeReads']): Leader {
    const policyOf: LeaderDeps['policyOf'] = (role) => deps.doors?.people().policy(role);
    return createLeader({ cluster, reads, policyOf, makeReads, log, bodyLimitBytes, carry, eventsBehindBytes: deps.eventsBehindBytes });
  }

  function become(next: Role): void {
    if (role.kind === 'leader') {
      apiVersion = role.leader.window().max;
      role.leader[Symbol.dispose]();
    }
    role = next;
    doorkeeper.leads(next.kind === 'leader');
    const url = next.kind === 'leader' ? ownUrl : next.url;
    // While nobody is known to lead, the last one may still do, and may still answer.
    if (url !== undefined && url !== lastUrl) follower.leaderChanged();
    lastUrl = url ?? lastUrl;
    for (const wake of awaitingLead) wake();
  }

  async function handle(req: IncomingMessage, res: ServerResponse, door: Door): Promise<void> {
    measureRequest(req, res);
    // as a proxy is asked; an Engine takes it too
    req.url = (req.url ?? '/').replace(/^https?:\/\/[^/]*/i, '');
    const { url } = req;
    const foreign = doorkeeper.refuse(req, door.isSocket);
    const requestId = idOf(req);
    if (foreign !== undefined) {
      trail.begin(req, requestId, res);
      return refuse(req, res, foreign, requestId);
    }
    // who has a certificate gets what is made for them; from its second request on it is known who that is
    if ((!isNamed(req) || doorkeeper.seesAll(req)) && role.kind === 'leader' && role.leader.answerReady(req, res, requestId)) return;
    if (door.isTls) doorkeeper.meet(req);
    trail.begin(req, requestId, res);
    const isDone = unanswered.begin(req, requestId, res);
    try {
      await forRequest(req, requestId, log, () => route(req, res, url, requestId));
    } catch (error) {
      trail.failed(req, error);
      if (isKind(error, 'not-leader') && !res.headersSent) res.setHeader(NOT_LEADER_HEADER, wasStarted(error) ? BEGUN : '1');
      const own = ownHeaders(role.kind === 'leader' ? role.leader.window().max : apiVersion, requestId);
      sendError(res, error, isNoPage(error) ? { 'Arpanet-Request-Id': requestId } : own, log);
      if (!req.complete && uploadOf(req) === undefined) endRefused(req, res);
    } finally {
      isDone();
    }
  }

  function refuse(req: IncomingMessage, res: ServerResponse, { status, message }: Refused, requestId: string): void {
    closing.add(req.socket);
    trail.refused(req);
    res.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close', 'Arpanet-Request-Id': requestId });
    res.end(errorBody(message));
  }

  async function route(req: IncomingMessage, res: ServerResponse, url: string, requestId: string): Promise<void> {
    const path = url.split('?', 1)[0] ?? '/';
    if (req.method === 'OPTIONS' && req.headers['transfer-encoding'] === undefined) {
      res.writeHead(200, ownHeaders(role.kind === 'leader' ? role.leader.window().max : apiVersion, requestId)).end();
      return;
    }
    const cleaner = cleanerPath(path);
    if (cleaner !== undefined) {
      res.writeHead(301, { Location: cleaner + url.slice(path.length), 'Content-Length': 0, 'Arpanet-Request-Id': requestId }).end();
      return;
    }
    const refused = refuseFraming(req) ?? refuseRequest(req.method ?? '', path, req.headers);
    if (refused !== undefined) return refuse(req, res, refused, requestId);
    const split = splitVersion(path);
    if (split.path === '/_ping' && (req.method === 'GET' || req.method === 'HEAD')) {
      const window = role.kind === 'leader' ? role.leader.window() : { min: OLDEST_API_VERSION, max: apiVersion };
      const refusal = split.version === undefined ? undefined : refuseVersion(split.version, window);
      if (refusal !== undefined) throw new ArpanetError('invalid', refusal);
      await meetOwn(req, res, requestId, '/_ping');
      return await ping(req, res, requestId);
    }
    if (path === '/arpanet/v1/health') {
      await meetOwn(req, res, requestId, '/_ping');
      return health(res, requestId);
    }
    if (path === '/metrics' && (req.method === 'GET' || req.method === 'HEAD') && deps.metrics !== undefined) {
      await meetOwn(req, res, requestId, '/metrics');
      if (identityOf(req)?.deployments !== undefined) throw new ArpanetError('forbidden', 'metrics are of all deployments');
      const text = req.method === 'HEAD' ? undefined : await deps.metrics();
      res.writeHead(200, { 'Content-Type': EXPOSITION_TYPE, 'Arpanet-Request-Id': requestId }).end(text);
      return;
    }
    if (deps.page !== undefined && (path === '/ui' || path.startsWith('/ui/'))) {
      // the files of the page say nothing of the cluster
      if (!isNameless(req.socket)) await meetOwn(req, res, requestId, '/_ping');
      return deps.page(req, res);
    }
    if (path === '/arpanet/v1/held') return answerResourceUsage(req, res, deps.token());
    if (role.kind === 'following' && req.headers['arpanet-forwarded'] !== undefined) await toLead(req);
    if (role.kind === 'following') {
      if (await replicaReads.answer(req, res, requestId)) return;
      trail.passOn(req);
      return await follower.answer(req, res, requestId);
    }
    const { leader } = role;
    if (isNamed(req) && !isOpen(path)) {
      await doorkeeper.enter(req, req.socket, res, requestId);
      const identity = identityOf(req);
      // who sees everything as it is gets what is ready, too
      if ((identity === undefined || seesAll(identity)) && leader.answerReady(req, res, requestId)) return;
    }
    if (isJoining(path)) await doorkeeper.vouch(req, requestId);
    if (path.startsWith('/arpanet/')) return deps.operator(req, res.setHeader('Arpanet-Request-Id', requestId));
    if (leader.isHeld(req) && (await roleChanges(req))) return await route(req, res, url, requestId);
    await leader.answer(req, res, requestId);
  }

  /** The client of what any scheduler answers itself is looked up as for all else. */
  async function meetOwn(req: IncomingMessage, res: ServerResponse, requestId: string, page: OwnPage): Promise<void> {
    if (!isNamed(req)) return;
    if (role.kind === 'leader') return await doorkeeper.enter(req, req.socket, res, requestId);
    // a follower that asks who somebody is learns it of the leader alone
    if (isSaid(req)) throw noLeader(deps.trouble());
    await recognise(req, requestId, role.url, page);
  }

  const leaderPatienceMs = (): number => leaderWaitMs(storeMs(), deps.trouble() !== undefined);

  /** True once another scheduler leads, or this one again; false after that time, or when the client left. */
  async function roleChanges(req: IncomingMessage, withinMs = leaderPatienceMs()): Promise<boolean> {
    return await new Promise<boolean>((resolve) => {
      const done = (changed: boolean): void => {
        clearTimeout(timer);
        awaitingLead.delete(wake);
        req.socket.off('close', gone);
        resolve(changed);
      };
      const gone = (): void => done(false);
      const wake = (): void => done(true);
      const timer = setTimeout(gone, withinMs);
      awaitingLead.add(wake);
      req.socket.once('close', gone);
    });
  }

  /** Another scheduler thinks that we lead. Perhaps we are about to; if not it must ask again, for here it would go round in circles. */
  async function toLead(req: IncomingMessage): Promise<void> {
    await roleChanges(req, role.kind === 'following' && role.url !== undefined ? 0 : leaderPatienceMs());
    if (role.kind !== 'leader') throw noLeader(deps.trouble());
  }

  /** Any scheduler is alive and says so, unless it knows why nobody can lead; which API it speaks the leader knows. */
  async function ping(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void> {
    const why = role.kind === 'following' && role.url === undefined ? deps.trouble() : undefined;
    if (why !== undefined) throw noLeader(why);
    if (role.kind === 'leader') apiVersion = role.leader.window().max;
    else if (role.url !== undefined && req.headers['arpanet-forwarded'] === undefined) apiVersion = await askVersion(role.url, apiVersion);
    answerPing(req, res, requestId, apiVersion);
  }

  function health(res: ServerResponse, requestId: string): void {
    answerHealth(res, requestId, {
      name: deps.name,
      role: role.kind === 'leader' ? 'leading' : 'following',
      leader: role.kind === 'leader' ? ownUrl : role.url,
      ...(role.kind === 'leader' ? { epoch: role.epoch() } : {}),
    });
  }

  async function handleUpgrade({ server, isSocket, isTls }: Door, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (isTls) doorkeeper.meet(req);
    const requestId = idOf(req);
    const isDone = unanswered.begin(req, requestId);
    trail.begin(req, requestId);
    try {
      const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
      const refused = doorkeeper.refuse(req, isSocket) ?? refuseFraming(req) ?? refuseRequest(req.method ?? '', path, req.headers);
      if (refused !== undefined) {
        trail.refused(req);
        throw asError(refused);
      }
      const why = path === REPLICA_PATH ? followerFault(req, role.kind === 'leader', isTls) : undefined;
      if (why !== undefined) throw why;
      if (role.kind === 'following' && req.headers['arpanet-forwarded'] !== undefined) await toLead(req);
      if (role.kind === 'following') {
        trail.passOn(req);
        countUpgrade(req, SWITCHED);
        return await follower.upgrade(req, socket, head, requestId);
      }
      if (path === '/arpanet/v1/agent') {
        await doorkeeper.vouch(req, requestId);
        countUpgrade(req, SWITCHED);
        return deps.acceptAgent(req, socket, head);
      }
      const { leader } = role;
      if (path === REPLICA_PATH) {
        asNakedStream(socket);
        countUpgrade(req, SWITCHED);
        return role.cluster.view.replicas?.accept(req, socket, head, (client) => deps.doors?.people().identify(client));
      }
      if (isNamed(req)) await doorkeeper.enter(req, socket, socket, requestId);
      const { acceptTerminal } = deps;
      if (path === TERMINAL.path && acceptTerminal !== undefined) {
        countUpgrade(req, SWITCHED);
        asNakedStream(socket);
        return await carry(req, TERMINAL, () => acceptTerminal(req, socket, head));
      }
      const upgraded = leader.upgrade(req, socket, head, requestId);
      if (upgraded === undefined) return withoutUpgrade(server, req, socket, head);
      countUpgrade(req, SWITCHED);
      await upgraded;
    } catch (error) {
      trail.failed(req, error);
      noteUnexpected(error, requestId, log);
      refuseSocket(socket, error, ownHeaders(role.kind === 'leader' ? role.leader.window().max : apiVersion, requestId));
    } finally {
      isDone();
    }
  }

  const listeners = await listenOn(deps.listen, deps.tls, deps.limits, {
    request: (req, res, door) => {
      if (!closing.has(req.socket)) inBackground(log, 'a request', handle(req, res, door));
    },
    upgrade: (door, req, socket, head) => {
      const answered = isUploading(req) ? handle(req, receiveUpload(req, socket, head), door) : handleUpgrade(door, req, socket, head);
      inBackground(log, 'a request', answered);
    },
    isUpload: (req) => role.kind === 'leader' && role.leader.isUpload(req),
    newId,
  });
  const [first] = listeners.addresses;
  const [asked] = deps.listen;
  if (first !== undefined) ownUrl = urlOf(first, asked !== undefined && 'isTls' in asked && asked.isTls);

  return {
    addresses: listeners.addresses,
    url: ownUrl ?? '',
    lead(cluster) {
      const shared = { now: Date.now, version: VERSION, execs: new Set<string>(), execMade: cluster.view.replicas?.execMade };
      const reads = createReads(cluster, shared);
      become({
        kind: 'leader',
        cluster,
        epoch: () => cluster.leader.about().epoch,
        leader: leaderOf(cluster, reads, (part, visible) => createReads(part, { ...shared, isShown: shownTo(cluster, visible) })),
      });
    },
    follow(url) {
      if (role.kind === 'following' && role.url === url) return;
      become({ kind: 'following', url });
    },
    settled: (withinMs) => unanswered.settled(withinMs),
    async [Symbol.asyncDispose]() {
      become({ kind: 'following', url: undefined });
      follower.close();
      doorkeeper[Symbol.dispose]();
      unanswered.close();
      await listeners[Symbol.asyncDispose]();
    },
  };
}
