/** Effects: a request's way through the leader's endpoint: version, route, and then one of the ways that the route table names. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { engineError, engineRequest } from '../engine/index.ts';
import { ArpanetError, type ContainerInspect, isKind } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { inBackground } from '../telemetry/faults.ts';
import { bodyRead, readBody } from './json/body.ts';
import { passedProblem } from './json/passed.ts';
import type { Cluster } from '../contracts/index.ts';
import { hostWarnings } from './proxy/answer-watchdog.ts';
import { type Call, type Exchange, ownHeaders, warningHeader, type SmallAnswer, send } from './request-context.ts';
import { errorBody, noteUnexpected } from './errors.ts';
import { createAdmit } from './access/admit.ts';
import { createExecs, type Execs } from './containers/execs.ts';
import { askHost, sendEngineAnswer } from './containers/mutate.ts';
import { createForward, unreachable } from './proxy/forward.ts';
import { readFramed } from './proxy/chunked.ts';
import { isComposeV1 } from './guards.ts';
import { createHandlers } from './handlers.ts';
import { joinSockets, refuseSocket, requestHead, takeOver } from './proxy/hijack.ts';
import { inTime } from './limits/connections.ts';
import type { Carry } from './limits/streams.ts';
import { type Located, locate } from './route-target.ts';
import type { Reads } from './reads/index.ts';
import type { HandlerName, Route } from './route.ts';
import { matchRoute } from './routes.ts';
import { isShown, refuseHidden } from './swarm/facade.ts';
import { connectionOf } from './connections.ts';
import { identityOf } from '../security/index.ts';
import { refuseVersion, type VersionWindow, windowOf } from './api-versions.ts';
import { compareVersions, splitVersion } from '../text/api-version.ts';
import { queryProblem } from '../text/query.ts';

export interface LeaderDeps {
  readonly cluster: Cluster;
  readonly reads: Reads;
  /** Reads of a part of the cluster, for who may see no more, and what each role obeys. */
  readonly makeReads: Parameters<typeof createAdmit>[2];
  readonly policyOf: Parameters<typeof createAdmit>[3];
  readonly log: Logger;
  readonly bodyLimitBytes: () => number;
  readonly carry: Carry;
  readonly eventsBehindBytes: number;
}

export interface Leader extends Disposable {
  readonly window: () => VersionWindow;
  /** True: it was answered with bytes that were made for an earlier request of this url, and are still true. The fewest steps from url to socket. */
  answerReady(req: IncomingMessage, res: ServerResponse, requestId: string): boolean;
  /** Its body, if it is long, goes to an Engine unread. */
  isUpload(req: IncomingMessage): boolean;
  /** Nothing may be changed now, and this request would: perhaps there is another leader soon. */
  isHeld(req: IncomingMessage): boolean;
  /** Rejects with what is to be answered, if nothing was yet. */
  answer(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void>;
  /** Undefined: no route of this path gives its socket away, whatever the client hopes for. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, requestId: string): Promise<void> | undefined;
}

/** Refusals of changes that a leader had begun when it lost the lead: a follower that sends it on must mark it as a repetition. */
const begun = new WeakSet<ArpanetError>();
export const wasStarted = (error: ArpanetError): boolean => begun.has(error);

/** The Engine closes after its answer. And it must not gzip what it packs: the CLI asks for that over TCP, and `cp` is then eight times slower. */
const RELAYED = { Connection: 'close', 'Accept-Encoding': 'identity' };
const BODY_IN_HIJACK_LIMIT_BYTES = 1024 * 1024;
export function createLeader(deps: LeaderDeps): Leader {
  const { cluster, reads, log, bodyLimitBytes, carry, eventsBehindBytes, makeReads, policyOf } = deps;
  const execs: Execs = createExecs();
  const forward = createForward();
  const handlers = createHandlers(forward, execs);
  const admit = createAdmit(cluster, execs, makeReads, policyOf);
  const live = new Set<AbortController>();
  const heads = new WeakMap<Buffer, readonly string[]>();
  let isReady = false;
  let isOver = false;
  let known: { readonly version: number; readonly window: VersionWindow } | undefined;

  const window = (): VersionWindow => {
    const version = cluster.view.version();
    if (known?.version !== version) known = { version, window: windowOf(cluster.hosts.list()) };
    return known.window;
  };

  /** Everything of the call but how it is answered. Throws what refuses it. */
  function openCall(req: IncomingMessage, requestId: string, signal: AbortSignal): Call {
    const url = req.url ?? '/';
    const cut = url.indexOf('?');
    const search = cut < 0 ? '' : url.slice(cut);
    const { version, path } = splitVersion(cut < 0 ? url : url.slice(0, cut));
    const refusal = version === undefined ? undefined : refuseVersion(version, window());
    if (refusal !== undefined) throw new ArpanetError('invalid', refusal);
    const matched = findRoute(req.method ?? 'GET', path);
    const malformed = queryProblem(search);
    if (malformed !== undefined) throw new ArpanetError('invalid', malformed);
    const { since } = matched.route;
    if (since !== undefined && compareVersions(since, window().max) > 0) throw noSuchPage();
    return {
      req,
      ...matched,
      search,
      query: new URLSearchParams(search),
      apiVersion: version ?? window().max,
      newestVersion: window().max,
      requestId,
      nowMs: Date.now(),
      bodyLimitBytes: bodyLimitBytes(),
      eventsBehindBytes,
      isRetry: req.headers['arpanet-retry'] === '1',
      cluster,
      reads,
      log,
      signal,
    };
  }

  async function ready(signal: AbortSignal): Promise<void> {
    if (isReady) return;
    await cluster.leader.ready(signal);
    isReady = true;
  }

  /** A signal that fires when the client disconnects or leadership ends; `done` forgets it. */
  function track(): { readonly controller: AbortController; readonly done: () => void } {
    const controller = new AbortController();
    live.add(controller);
    if (isOver) controller.abort();
    return { controller, done: () => live.delete(controller) };
  }

  async function run(call: Exchange): Promise<void> {
    const frozen = changes(call.route) ? cluster.leader.frozen() : undefined;
    if (frozen !== undefined) throw new ArpanetError('not-leader', frozen);
    refuseHidden(cluster, call.route.path, () => connectionOf(call.req));
    try {
      await checked(call);
    } catch (error) {
      if (isKind(error, 'not-leader') && changes(call.route)) begun.add(error);
      throw error;
    }
  }

  /** An Engine looks at a body before it looks for what the request is about. */
  async function checked(call: Exchange): Promise<void> {
    const { passes } = call.route;
    if (passes === undefined) return await perform(call);
    const problem = passedProblem(passes, await readBody(call.req, call.bodyLimitBytes), call.req.headers['content-type']);
    if (problem?.isFatal === true) throw problem.error;
    await perform(call).catch((error: unknown) => {
      throw problem !== undefined && isKind(error, 'not-found') ? problem.error : error;
    });
  }

  async function perform(call: Exchange): Promise<void> {
    const { route, res } = call;
    switch (route.do) {
      case 'read':
        return await read(call, route);
      case 'host': {
        const located = await locate(call, route.at, execs);
        if (call.isRedacted === true)
          return sendEngineAnswer(call, await askHost(call, located.host, located.path, await bodyRead(call.req)));
        // what was pushed has a digest from then on
        const beforeEnd = route.at === 'push' ? () => cluster.view.refresh(located.host, { images: true }) : undefined;
        return await forward(call, { host: located.host, endpoint: cluster.engines.endpoint(located.host), path: located.path, beforeEnd });
      }
      case 'stream':
      case 'hijack': {
        const body = await readBody(call.req, BODY_IN_HIJACK_LIMIT_BYTES);
        const located = await locate(call, route.at, execs);
        const upstream = await dial(call, located.host);
        if (res.socket === null || res.socket !== call.req.socket) {
          upstream.destroy();
          throw new ArpanetError('invalid', 'a pipelined request cannot have the connection to itself');
        }
        return await join(call, located, upstream, takeOver(call.req, res), body, body.length, false);
      }
      case 'refuse':
        return send(call, {
          status: route.status,
          body: route.status === 200 ? route.message : errorBody(route.message.replace('{name}', call.params['name'] ?? '')),
        });
      default:
        return await handlers[route.by](call);
    }
  }

  async function read(call: Exchange, route: Extract<Route, { do: 'read' }>): Promise<void> {
    const answer = await call.reads[route.by](call.query, call.params, call.apiVersion);
    if (answer === undefined) return send(call, await inspectOnHost(call));
    if (route.by === 'info' && !isSwarmShown(call.req)) {
      return send(call, { status: 200, body: withoutSwarm(answer.body) });
    }
    // An answer about all hosts names those whose data may be out of date.
    const warnings = answer.warnings ?? (OF_ALL_HOSTS.has(route.by) ? hostWarnings(cluster.hosts.list()) : []);
    if (answer.status === 200 && call.req.method === 'GET' && call.reads === reads) remember(call, answer.body, warnings);
    send(call, warnings.length === 0 ? answer : { ...answer, warnings });
  }

  const isSwarmShown = (req: IncomingMessage): boolean => !isComposeV1(req.headers) && isShown(cluster, connectionOf(req));

  /** What the view does not hold (sizes, a health log) the Engine says; the view's own words are put over it. */
  async function inspectOnHost(call: Exchange): Promise<SmallAnswer> {
    const { host, path, container } = await locate(call, 'container', execs);
    const target = { agent: cluster.engines.endpoint(host).agent };
    const answer = await engineRequest(target, { method: 'GET', path, signal: call.signal }).catch((error: unknown) => {
      throw unreachable(host, error);
    });
    const text = answer.body.toString();
    if (answer.status !== 200 || container === undefined) throw engineError(answer.status, text);
    const shown = call.reads.showInspect(JSON.parse(text) as ContainerInspect, container, call.apiVersion);
    return { status: 200, body: `${JSON.stringify(shown)}\n` };
  }

  function remember(call: Exchange, body: Buffer, warnings: readonly string[]): void {
    reads.remember(call.req.url ?? '', body);
    const { 'Arpanet-Request-Id': _, ...headers } = ownHeaders(call.newestVersion, '');
    const warningHeaders = warningHeader(warnings).flatMap((text) => ['Warning', text]);
    heads.set(body, [
      ...Object.entries({ ...headers, 'Content-Type': 'application/json', 'Content-Length': String(body.length) }).flat(),
      ...warningHeaders,
    ]);
  }

  async function dial(call: Call, host: string): Promise<Duplex> {
    try {
      return await cluster.engines.endpoint(host).dial(call.signal);
    } catch (error) {
      throw unreachable(host, error);
    }
  }

  /** Joins the client's socket with a tunnel to the host's Engine. */
  async function join(
    call: Call,
    { host, path, container }: Located,
    upstream: Duplex,
    client: Duplex,
    clientHead: Buffer,
    bodyBytes: number,
    isUpgrade: boolean,
  ): Promise<void> {
    const way = call.route.do === 'stream' ? 'relay' : 'hijack';
    const isFollowed = way === 'hijack' || call.query.get('follow') !== null;
    const isFramed = isUpgrade && call.req.headers['transfer-encoding'] === undefined;
    const add = { ...(isFramed ? {} : { 'Content-Length': String(bodyBytes) }), ...(way === 'relay' ? RELAYED : {}) };
    const afterwards = (): void => {
      const changed =
        container !== undefined && isFollowed ? { containers: [container.id] } : way === 'hijack' ? { images: true } : undefined;
      if (changed !== undefined) inBackground(log, 'a refresh after a stream', cluster.view.refresh(host, changed));
    };
    const head = requestHead(call.req, path, { keepUpgrade: isUpgrade, add });
    const answerHeaders = ownHeaders(call.newestVersion, call.requestId);
    const { signal } = call;
    await joinSockets({ client, clientHead, upstream, requestHead: head, bodyBytes, way, answerHeaders, signal, onEnd: afterwards });
  }

  function isHeld(req: IncomingMessage): boolean {
    if (cluster.leader.frozen() === undefined) return false;
    const found = routeOf(req);
    return found !== undefined && changes(found);
  }

  return {
    window,
    answerReady(req, res, requestId) {
      const url = req.url ?? '/';
      // what it says of a swarm is not the same for all clients
      if (req.method !== 'GET' || (url.includes('/info') && !isSwarmShown(req))) return false;
      const body = reads.cached(url);
      const head = body === undefined ? undefined : heads.get(body);
      if (body === undefined || head === undefined) return false;
      res.writeHead(200, [...head, 'Arpanet-Request-Id', requestId]).end(body);
      return true;
    },
    isUpload: (req) => routeOf(req)?.isUpload === true && !isHeld(req),
    isHeld,
    async answer(req, res, requestId) {
      const { controller, done } = track();
      const gone = (): void => controller.abort();
      res.once('close', gone);
      try {
        await ready(controller.signal);
        const call = { ...(await admit(openCall(req, requestId, controller.signal), identityOf(req))), res };
        await carry(req, call.route, () => run(call));
      } catch (error) {
        throw asOldEnginesSay(error, window().max);
      } finally {
        res.off('close', gone);
        done();
      }
    },
    upgrade(req, socket, head, requestId) {
      if (!isHijack(req)) return undefined;
      return (async () => {
        const { controller, done } = track();
        const gone = (): void => controller.abort();
        socket.once('close', gone);
        socket.once('error', gone);
        try {
          await ready(controller.signal);
          const call = await admit(openCall(req, requestId, controller.signal), identityOf(req));
          if (call.route.do !== 'hijack') throw new ArpanetError('invalid', 'this request has no stream to upgrade to');
          const { at, passes } = call.route;
          const isRead = passes !== undefined || req.headers['transfer-encoding'] !== undefined;
          const whole = isRead ? await inTime(socket, readFramed(socket, head, req.headers, call.bodyLimitBytes)) : undefined;
          const problem = passes && whole && passedProblem(passes, whole.body, req.headers['content-type']);
          if (problem?.isFatal === true) throw problem.error;
          await carry(req, call.route, async () => {
            const located = await locate(call, at, execs);
            const upstream = await dial(call, located.host);
            const first = whole === undefined ? head : Buffer.concat([whole.body, whole.rest]);
            const bodyBytes = whole?.body.length ?? Number(req.headers['content-length'] ?? 0);
            await join(call, located, upstream, socket, first, bodyBytes, true);
          });
        } catch (error) {
          noteUnexpected(error, requestId, log);
          refuseSocket(socket, error, ownHeaders(window().max, requestId));
        } finally {
          socket.off('close', gone);
          done();
        }
      })();
    },
    [Symbol.dispose]() {
      isOver = true;
      for (const controller of live) controller.abort();
    },
  };
}

function withoutSwarm(info: Buffer): string {
  const { Swarm: _, ...others } = JSON.parse(info.toString()) as Record<string, unknown>;
  const inactive = { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null };
  return `${JSON.stringify({ ...others, Swarm: inactive })}\n`;
}

/** Before 23.0 (API 1.42) Engines wrote this with a capital letter, and tests of their time look for it. */
function asOldEnginesSay(error: unknown, newest: string): unknown {
  const isOld = compareVersions(newest, '1.42') < 0;
  if (!isOld || !isKind(error, 'invalid') || !error.message.startsWith('invalid filter')) return error;
  return new ArpanetError(error.kind, `I${error.message.slice(1)}`, { cause: error });
}

function findRoute(method: string, path: string) {
  let matched: ReturnType<typeof matchRoute>;
  try {
    matched = matchRoute(method, path);
  } catch {
    throw new ArpanetError('invalid', `malformed escape in ${path}`);
  }
  if (matched === undefined) throw noSuchPage();
  return matched;
}

const noSuchPage = (): ArpanetError => new ArpanetError('not-found', 'page not found');

const isHijack = (req: IncomingMessage): boolean => routeOf(req)?.do === 'hijack';

function routeOf(req: IncomingMessage): Route | undefined {
  const { path } = splitVersion((req.url ?? '/').split('?', 1)[0] ?? '/');
  try {
    return matchRoute(req.method ?? 'GET', path)?.route;
  } catch {
    return undefined;
  }
}

const OF_ALL_HOSTS: ReadonlySet<string> = new Set(['containerList', 'imageList', 'networkList', 'volumeList', 'info', 'diskUsage']);

/** Requests other than GET that change nothing that the cluster holds. */
const UNCHANGING: ReadonlySet<string> = new Set<HandlerName>(['containerWait', 'execCreate']);

/** Whether a route changes what the cluster holds. */
function changes(route: Route): boolean {
  return 'by' in route && route.method !== 'GET' && !UNCHANGING.has(route.by);
}
