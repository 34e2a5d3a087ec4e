/** The audit log: which calls have a line in it, and what that says (pure but for what is remembered of a request). */
import type { Client } from './client.ts';
import type { Identity } from './roles.ts';

/** What a call is about, as far as somebody knows: names and ids alone. */
export interface AuditTarget {
  /** A container, network, volume, service, host or user, by its name if that is known. */
  readonly object?: string | undefined;
  readonly deployment?: string | undefined;
  readonly host?: string | undefined;
  /** It failed after its answer had begun. */
  readonly hasFailed?: boolean | undefined;
}

/** A call whose answer is known. */
export interface AuditedCall {
  /** Since 1970. */
  readonly atMs: number;
  readonly method: string;
  /** The pattern, as the tables of routes have it; undefined: there is no such route. */
  readonly route: string | undefined;
  /** The answer's HTTP status; undefined: the client left before. */
  readonly status: number | undefined;
  /** It was refused for what it is, before anybody looked at what it asks for. */
  readonly isRefused: boolean;
  /** What it asks for exists, and not for this client. */
  readonly isHidden: boolean;
  readonly identity: Identity | undefined;
  readonly client: Client | undefined;
  /** An address; empty: a Unix socket. */
  readonly from: string;
  readonly target: AuditTarget;
  /** The name of the one that answered it. */
  readonly scheduler: string;
  readonly requestId: string;
}

/** One line of the audit log. Fields may be added. */
export interface AuditLine {
  /** ISO 8601, when the answer began. */
  readonly time: string;
  /** The name in the certificate; absent: it came without one. */
  readonly user?: string;
  readonly role?: string;
  /** SHA-256 of the certificate, in hex. */
  readonly certificate?: string;
  /** An address, or `unix`. */
  readonly from: string;
  readonly method: string;
  /** The route's pattern, or `other`. Never the address itself. */
  readonly route: string;
  readonly object?: string;
  readonly deployment?: string;
  readonly host?: string;
  /** `gone`: the client left before the answer. */
  readonly result: 'done' | 'refused' | 'failed' | 'gone';
  /** Of the answer, as HTTP has it (RFC 9110 §15). */
  readonly status?: number;
  readonly requestId: string;
  readonly scheduler: string;
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** They change something and say GET. */
const CHANGES: ReadonlySet<string> = new Set(['GET /containers/{id}/attach/ws']);
/** They change nothing, or are what schedulers say to each other every few seconds. */
const UNCHANGING: ReadonlySet<string> = new Set([
  'POST /containers/{id}/wait',
  'POST /auth',
  'POST /arpanet/v1/rehearse',
  'POST /arpanet/v1/schedulers',
]);

/** Whether calls of this route have a line however they end. */
export function isAudited(method: string, route: string | undefined): boolean {
  const line = `${method} ${route ?? ''}`;
  return CHANGES.has(line) || (!READS.has(method) && !UNCHANGING.has(line));
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403]);
/** What a client writes is not kept at any length. */
const LONGEST = 256;
const said = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** Undefined: it has none, as it changed nothing and was not refused. */
export function auditLine(call: AuditedCall): AuditLine | undefined {
  const { status, identity, client, target } = call;
  const isRefused = call.isRefused || call.isHidden || (status !== undefined && REFUSALS.has(status));
  if (!isRefused && !isAudited(call.method, call.route)) return undefined;
  const user = identity?.name ?? client?.user;
  const ended = status === undefined ? 'gone' : status >= 400 || target.hasFailed === true ? 'failed' : 'done';
  return {
    time: new Date(call.atMs).toISOString(),
    ...(user ? { user: said(user) } : {}),
    ...(identity && { role: identity.role }),
    ...(client && { certificate: client.fingerprint }),
    from: said(client?.from || call.from || 'unix'),
    method: call.method,
    route: call.route ?? 'other',
    ...(target.object ? { object: said(target.object) } : {}),
    ...(target.deployment ? { deployment: said(target.deployment) } : {}),
    ...(target.host ? { host: said(target.host) } : {}),
    result: isRefused ? 'refused' : ended,
    ...(status === undefined ? {} : { status }),
    requestId: call.requestId,
    scheduler: call.scheduler,
  };
}

const targets = new WeakMap<object, AuditTarget>();

/** Notes what a request is about, beside what is known. */
export function noteTarget(request: object, target: AuditTarget): void {
  const known = Object.fromEntries(Object.entries(target).filter(([, value]) => value !== undefined));
  targets.set(request, { ...targets.get(request), ...known });
}

/** What was noted of a request. */
export const targetOf = (request: object): AuditTarget => targets.get(request) ?? {};

/** Of services by their names, `abc/web` or `abc/web=3`: they, and their deployments. */
export function servicesTarget(references: readonly string[]): AuditTarget {
  const deployments = new Set(references.flatMap((one) => /^[^/=]+/.exec(one) ?? []));
  return { object: references.join(' '), deployment: [...deployments].join(' ') };
}
