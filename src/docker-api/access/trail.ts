/**
 * Effects: the audit log's lines, one for each call that changes something or is refused, written by the scheduler that answers it. What a follower
 * passes on the leader writes. Of a request it has the route's pattern, names and ids: never its address, query, headers or body.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Cluster } from '../../contracts/index.ts';
import { deploymentIn, isKind } from '../../model/index.ts';
import { auditLine, type AuditLine, type AuditTarget, clientOf, identityOf, targetOf } from '../../security/index.ts';
import { splitVersion } from '../../text/api-version.ts';
import { isContainerName } from '../../text/names.ts';
import { fromOf } from '../connections.ts';
import { forgetAnswered, whenAnswered } from '../proxy/answered.ts';
import { matchRoute } from '../routes.ts';
import { deploymentOf } from './visible.ts';

/** Where the lines go. */
export interface AuditSink {
  /** Never throws, and never waits. */
  readonly write: (line: AuditLine) => void;
  /** The pattern of a route below `/arpanet/v1`, and what its parameters are. */
  readonly operatorRoute: (method: string, path: string) => MatchedPattern | undefined;
}

interface MatchedPattern {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

export interface Trail {
  /** A request has come. Absent `res`: it is naked, and may get its socket. */
  readonly begin: (req: IncomingMessage, requestId: string, res?: ServerResponse) => void;
  /** Somebody else answers it, and writes its line. */
  readonly passOn: (req: IncomingMessage) => void;
  /** It is answered here after all, with this error. */
  readonly failed: (req: IncomingMessage, error: unknown) => void;
  /** It is refused for what it is. */
  readonly refused: (req: IncomingMessage) => void;
}

interface Followed {
  readonly requestId: string;
  readonly matched: MatchedPattern | undefined;
  /** Before it is removed. */
  readonly target: AuditTarget;
  isElsewhere: boolean;
  isRefused: boolean;
}

const NOTHING: Trail = { begin: () => undefined, passOn: () => undefined, failed: () => undefined, refused: () => undefined };

/** `cluster`: undefined where this scheduler does not lead. */
export function createTrail(sink: AuditSink | undefined, scheduler: string, cluster: () => Cluster | undefined): Trail {
  if (sink === undefined) return NOTHING;
  const { write, operatorRoute } = sink;
  const followed = new WeakMap<IncomingMessage, Followed>();

  function finish(req: IncomingMessage, status: number | undefined): void {
    const one = followed.get(req);
    if (one === undefined || one.isElsewhere) return;
    followed.delete(req);
    const { requestId, isRefused } = one;
    // most requests read, and get what they ask for
    if (isRead(req) && !isRefused && (status ?? 0) < 400) return;
    const matched = one.matched ?? match(operatorRoute, req);
    const noted = targetOf(req);
    const found = one.target.deployment === undefined ? lookUp(cluster(), matched, noted.object) : one.target;
    const object = found.object ?? one.target.object ?? noted.object;
    const identity = identityOf(req);
    const { deployment } = found;
    const line = auditLine({
      atMs: Date.now(),
      method: req.method ?? '',
      route: matched?.path,
      status,
      isRefused,
      isHidden: status === 404 && deployment !== undefined && identity?.deployments?.includes(deployment) === false,
      identity,
      client: clientOf(req),
      from: fromOf(req),
      target: { ...noted, ...found, object, deployment: deployment ?? noted.deployment, host: found.host ?? noted.host },
      scheduler,
      requestId,
    });
    if (line !== undefined) write(line);
  }

  return {
    begin(req, requestId, res) {
      const matched = isRead(req) ? undefined : match(operatorRoute, req);
      const target = lookUp(cluster(), matched, nameIn(req, matched));
      followed.set(req, { requestId, matched, target, isElsewhere: false, isRefused: false });
      const socket: Duplex = req.socket;
      const gone = (): void => finish(req, undefined);
      socket.once('close', gone);
      whenAnswered(socket, (status) => finish(req, status));
      res?.once('close', () => {
        socket.off('close', gone);
        forgetAnswered(socket);
        finish(req, res.headersSent ? res.statusCode : undefined);
      });
    },
    passOn(req) {
      const one = followed.get(req);
      if (one !== undefined) one.isElsewhere = true;
    },
    failed(req, error) {
      const one = followed.get(req);
      // a follower asks again, or answers it
      if (one !== undefined) one.isElsewhere = isKind(error, 'not-leader') && req.headers['arpanet-forwarded'] !== undefined;
    },
    refused(req) {
      const one = followed.get(req);
      if (one !== undefined) one.isRefused = true;
    },
  };
}

/** WebSockets alone change something and say GET. */
const isRead = ({ method, url = '' }: IncomingMessage): boolean =>
  (method === 'GET' && !/\/attach\/ws(?:\?|$)/.test(url)) || method === 'HEAD' || method === 'OPTIONS';

function match(operatorRoute: AuditSink['operatorRoute'], { method = '', url = '' }: IncomingMessage): MatchedPattern | undefined {
  const [path = ''] = url.split('?', 1);
  if (path.startsWith('/arpanet/')) return operatorRoute(method, path);
  try {
    const found = matchRoute(method, splitVersion(path).path);
    return found && { path: found.route.path, params: found.params };
  } catch {
    return undefined;
  }
}

/** What a create is to be called: nothing else of a query is kept. */
function nameIn({ url = '' }: IncomingMessage, matched: MatchedPattern | undefined): string | undefined {
  if (matched?.path !== '/containers/create') return undefined;
  const cut = url.indexOf('?');
  const name = cut < 0 ? null : new URLSearchParams(url.slice(cut)).get('name');
  return name !== null && isContainerName(name) ? name : undefined;
}

/** `made`: what the call has made, or will. */
function lookUp(cluster: Cluster | undefined, matched: MatchedPattern | undefined, made: string | undefined): AuditTarget {
  if (matched === undefined) return {};
  const { path, params } = matched;
  const [first] = Object.values(params);
  const object = first ?? made;
  if (object === undefined) return {};
  if (path.startsWith('/arpanet/v1/hosts/')) return { object, host: object };
  try {
    return (cluster && ofKind(cluster, path.split('/', 2)[1] ?? '', object)) ?? { object };
  } catch {
    return { object };
  }
}

function ofKind(cluster: Cluster, kind: string, reference: string): AuditTarget | undefined {
  if (kind === 'containers') {
    const container = cluster.containers.one(reference);
    return { object: container.name, deployment: deploymentOf(container), host: container.host };
  }
  if (kind === 'networks') {
    const { record } = cluster.networks.one(reference);
    return { object: record.name, deployment: record.deployment };
  }
  if (kind === 'volumes') {
    const { name, host, record, summary } = cluster.volumes.one(reference);
    return { object: name, host, deployment: deploymentIn(record?.labels ?? summary?.Labels ?? {}) };
  }
  return undefined;
}
