/**
 * Bodies of the operator's API, read by tables as Docker's are: a wrong type is refused by its field's name, and nothing goes on that no table
 * has. Effects: reads the request.
 */
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { LONGEST_TIMER_MS } from '../async/longest-timer.ts';
import type { BootingMachine, BootServerReport } from '../contracts/index.ts';
import { compileGoTypes, DOCKER_TYPES, type GoTypes } from '../docker-json/index.ts';
import type { DeployRequest } from '../contracts/index.ts';
import {
  ArpanetError,
  type CreateRequest,
  type HostChange,
  mayRetry,
  type NetworkCreateRequest,
  type ProcessFaults,
  statusOf,
  type UpdateSettings,
} from '../model/index.ts';
import { parseGoJson } from '../schemas/index.ts';
import { mustSayOnce } from '../security/index.ts';
import type { TerminalRequest } from './terminals/terminals.ts';

const CREATE_REQUEST = 'runconfig.ContainerConfigWrapper@1.41';

/** The types of bodies, by which they are read and described. */
export const BODIES: GoTypes = {
  ...DOCKER_TYPES,
  'arpanet.SchedulerRequest': {
    name: '*string',
    url: '*string',
    gone: 'bool',
    faults: '*arpanet.ProcessFaults',
    exposed: '[]string',
    auditTrouble: '*string',
    version: '*string',
    byLine: 'bool',
    schema: '*uint32',
    keys: '[]string',
    protocol: '*int32',
  },
  'arpanet.ProcessFaults': { unexpectedErrors: 'int', refusedMessages: 'int', lastMsAgo: '*int64', lastPlace: '*string' },
  'arpanet.RehearseRequest': { creates: '[]arpanet.Create', networks: '[]types.NetworkCreateRequest', hold: 'bool' },
  'arpanet.Create': { name: '*string', request: `*${CREATE_REQUEST}`, isReplacement: 'bool' },
  'arpanet.RecordRequest': { name: 'string', type: '*string', value: '*string' },
  'arpanet.DiscardRequest': { key: '*string' },
  'arpanet.JoinRequest': { name: '*string', publicKey: '*string', token: '*string', clockMs: '*float64' },
  'arpanet.JoinCheckRequest': {
    name: '*string',
    token: '*string',
    address: '*string',
    engineId: '*string',
    machine: '*string',
    apiVersion: '*string',
    minApiVersion: '*string',
    isKnown: 'bool',
    clockMs: '*float64',
  },
  'arpanet.JoinPathsRequest': { name: '*string', token: '*string', address: '*string', mtu: '*float64' },
  'arpanet.BootServerRequest': {
    name: '*string',
    interface: '*string',
    address: '*string',
    network: '*string',
    answers: 'bool',
    trouble: '*string',
    warnings: '[]string',
    image: '*string',
    leases: '[]arpanet.BootLease',
    seen: '[]arpanet.SeenMachine',
  },
  'arpanet.BootLease': { mac: 'string', address: 'string', name: 'string', untilMs: 'float64' },
  'arpanet.SeenMachine': { mac: 'string', serial: 'string', product: 'string', firmware: 'string', atMs: 'float64' },
  'arpanet.BootPassRequest': { mac: 'string', serial: 'string' },
  'arpanet.TokenRequest': { singleUse: 'bool', ttlMs: '*float64', host: '*string' },
  'arpanet.SettingRequest': { value: '*string' },
  'arpanet.UserRequest': { name: '*string', role: '*string', deployments: '[]string', ttlMs: '*float64', publicKey: '*string' },
  'arpanet.PolicyRequest': { policy: '*string' },
  'arpanet.PolicyTestRequest': {
    role: '*string',
    policy: '*string',
    creates: '[]arpanet.Create',
    volumes: '[]volume.VolumeCreateBody',
    networks: '[]types.NetworkCreateRequest',
  },
  'arpanet.DeployRequest': {
    files: 'map[string]string',
    contents: 'map[string]string',
    compose: '[]string',
    folder: '*string',
    variables: 'map[string]string',
    profiles: '[]string',
    services: '[]string',
    removeOrphans: 'bool',
    hasImages: 'bool',
  },
  'arpanet.ServicesRequest': { services: '[]string', counts: '[]string' },
  'arpanet.CaFinishRequest': { force: 'bool' },
  'arpanet.UpdateRequest': {
    services: '[]string',
    image: '*string',
    env: '[]string',
    force: 'bool',
    canary: '*string',
    promoteAfterMs: '*float64',
    settings: 'arpanet.UpdateSettings',
  },
  'arpanet.ReplaceRequest': {
    service: '*string',
    desired: '*uint32',
    isGlobal: 'bool',
    template: '*arpanet.Template',
    settings: 'arpanet.UpdateSettings',
  },
  'arpanet.Template': { name: '*string', number: '*int32', request: `*${CREATE_REQUEST}` },
  'arpanet.UpdateSettings': {
    parallelism: 'uint32',
    delayMs: 'float64',
    order: 'string',
    onFailure: 'string',
    monitorMs: 'float64',
    patienceMs: 'float64',
    drainMs: 'float64',
  },
  'arpanet.HostRequest': {
    name: '*string',
    address: '*string',
    macs: '[]string',
    serial: '*string',
    availability: '*string',
    labels: 'map[string]*string',
    limits: 'map[string]*float64',
    force: 'bool',
    drain: 'bool',
    deadlineMs: '*float64',
    all: 'bool',
    volumes: 'bool',
    networks: 'bool',
  },
  'arpanet.SessionRequest': { code: '*string' },
  'arpanet.TerminalRequest': { container: '*string', command: '[]string', attach: 'bool' },
  'arpanet.RebalanceRequest': { max: '*json.Number', onto: '*string' },
};

export interface JoinRequest {
  readonly name?: string;
  readonly publicKey?: string;
  readonly token?: string;
  readonly clockMs?: number;
}

/** A machine that may join, before anything is changed on it. */
export interface JoinCheckRequest {
  readonly name?: string;
  readonly token?: string;
  readonly address?: string;
  /** `ID`, `ApiVersion` and `MinAPIVersion` of its Engine. */
  readonly engineId?: string;
  /** As agents say it (`HostFacts`). */
  readonly machine?: string;
  readonly apiVersion?: string;
  readonly minApiVersion?: string;
  /** It has the files of a host of this name. */
  readonly isKnown?: boolean;
  /** What its clock says, in ms since 1970. */
  readonly clockMs?: number;
}

/** A machine that may join, and tries the way to the other hosts. */
export interface JoinPathsRequest {
  readonly name?: string;
  readonly token?: string;
  readonly address?: string;
  /** Of its link, in bytes. */
  readonly mtu?: number;
}

/** A join token with an end. */
export interface TokenRequest {
  readonly singleUse?: boolean;
  readonly ttlMs?: number;
  /** It joins this one alone. */
  readonly host?: string;
}

export interface SchedulerRequest {
  readonly name?: string;
  readonly url?: string;
  readonly gone?: boolean;
  readonly faults?: Partial<ProcessFaults>;
  readonly exposed?: readonly string[];
  readonly auditTrouble?: string;
  /** Its release. */
  readonly version?: string;
  /** Its program was placed by the line of `arpanet schedulers add`. */
  readonly byLine?: boolean;
  /** The highest schema of records that it reads. */
  readonly schema?: number;
  readonly keys?: readonly string[];
  /** Which messages it understands (model/skew); absent: a release before it was said. */
  readonly protocol?: number;
}

export interface RehearseRequest {
  readonly creates?: readonly { readonly name?: string; readonly request?: CreateRequest; readonly isReplacement?: boolean }[];
  readonly networks?: readonly NetworkCreateRequest[];
  readonly hold?: boolean;
}

export interface RecordRequest {
  readonly name?: string;
  readonly type?: string;
  readonly value?: string;
}

export interface DiscardRequest {
  /** Of the state store. */
  readonly key?: string;
}

export interface SettingRequest {
  readonly value?: string;
}

/** A user as it is to be. */
export interface UserRequest {
  readonly name?: string;
  readonly role?: string;
  readonly deployments?: readonly string[];
  readonly ttlMs?: number;
  /** In PEM form: the private key stays where it was made. Absent: no certificate is issued. */
  readonly publicKey?: string;
}

export interface PolicyRequest {
  /** The file's text, YAML or JSON. */
  readonly policy?: string;
}

/** As `POST /volumes/create` has it. */
export interface VolumeCreate {
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
}

export interface PolicyTestRequest extends PolicyRequest, Pick<RehearseRequest, 'creates' | 'networks'> {
  readonly role?: string;
  readonly volumes?: readonly VolumeCreate[];
}

export interface ServicesRequest {
  readonly services?: readonly string[];
  readonly counts?: readonly string[];
}

export interface UpdateRequest extends ServicesRequest {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly force?: boolean;
  /** `10%` */
  readonly canary?: string;
  readonly promoteAfterMs?: number;
  readonly settings?: Partial<UpdateSettings>;
}

export interface ReplaceRequest {
  readonly service?: string;
  readonly desired?: number;
  readonly isGlobal?: boolean;
  readonly template?: { readonly name?: string; readonly number?: number; readonly request?: CreateRequest };
  readonly settings?: Partial<UpdateSettings>;
}

export interface HostRequest extends Omit<HostChange, 'availability' | 'limits'> {
  readonly name?: string;
  readonly address?: string;
  /** Of the machine that boots as this host. */
  readonly macs?: readonly string[];
  readonly serial?: string;
  readonly availability?: string;
  readonly limits?: Readonly<Record<string, number | null>>;
  readonly force?: boolean;
  /** Of a drain. */
  readonly deadlineMs?: number;
  /** Of an upgrade: what runs there is moved away before. */
  readonly drain?: boolean;
  readonly all?: boolean;
  readonly volumes?: boolean;
  readonly networks?: boolean;
}

export interface RebalanceRequest {
  /** As it was written. */
  readonly max?: string;
  readonly onto?: string;
}

interface Bodies {
  readonly SchedulerRequest: SchedulerRequest;
  readonly JoinRequest: JoinRequest;
  readonly JoinCheckRequest: JoinCheckRequest;
  readonly JoinPathsRequest: JoinPathsRequest;
  readonly BootServerRequest: Partial<BootServerReport>;
  readonly BootPassRequest: Partial<BootingMachine>;
  readonly RehearseRequest: RehearseRequest;
  readonly RecordRequest: RecordRequest;
  readonly DiscardRequest: DiscardRequest;
  readonly TokenRequest: TokenRequest;
  readonly SettingRequest: SettingRequest;
  readonly UserRequest: UserRequest;
  readonly PolicyRequest: PolicyRequest;
  readonly PolicyTestRequest: PolicyTestRequest;
  readonly ServicesRequest: ServicesRequest;
  readonly DeployRequest: DeployRequest;
  readonly CaFinishRequest: { readonly force?: boolean };
  readonly UpdateRequest: UpdateRequest;
  readonly ReplaceRequest: ReplaceRequest;
  readonly HostRequest: HostRequest;
  readonly RebalanceRequest: RebalanceRequest;
  readonly TerminalRequest: TerminalRequest;
  readonly SessionRequest: { readonly code?: string };
}

const compiled = compileGoTypes(BODIES);

/** Reads the body's bytes, whatever type and charset they are said to be of; all JSON is UTF-8 (RFC 8259 §8.1). */
export const readBytes = (limit = '4mb'): RequestHandler => express.raw({ type: () => true, limit });

/** The same of who is nobody yet, whose bodies are short. */
export const readShortBytes = (): RequestHandler => readBytes('64kb');

/** The body that `readBytes` has read; none at all is an empty one. Throws `invalid`. */
export function bodyOf<Name extends keyof Bodies>(request: Request, name: Name): Bodies[Name] {
  const bytes: unknown = request.body;
  const type = compiled.get(`arpanet.${name}`);
  if (type === undefined || !Buffer.isBuffer(bytes) || bytes.length === 0) return {};
  const value = parseGoJson(bytes.toString('utf8'), type, mustSayOnce(request));
  refuseOutOfRange(value['settings'] as Partial<UpdateSettings> | undefined);
  return value;
}

function refuseOutOfRange(settings: Partial<UpdateSettings> = {}): void {
  const { order = 'start-first', onFailure = 'rollback', delayMs = 0, monitorMs = 0, patienceMs = 0, drainMs = 0 } = settings;
  if (!['start-first', 'stop-first'].includes(order))
    throw new ArpanetError('invalid', `order is "${order}": it is start-first or stop-first`);
  if (!['rollback', 'pause', 'continue'].includes(onFailure))
    throw new ArpanetError('invalid', `onFailure is "${onFailure}": it is rollback, pause or continue`);
  for (const [name, value] of Object.entries({ delayMs, monitorMs, patienceMs, drainMs })) {
    if (value < 0 || value > LONGEST_TIMER_MS)
      throw new ArpanetError('invalid', `${name} is ${value}: it is 0 to ${LONGEST_TIMER_MS} (24 days)`);
  }
}

/** What express and its readers refuse by themselves (a broken escape in the address, a body that is too large) carries its status. */
function refusedStatus(error: unknown): number | undefined {
  const { status } = (typeof error === 'object' && error !== null ? error : {}) as { readonly status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

/** Express's last handler: every refusal as `{"message": …}`. `unexpected` is called with what was none. */
export function answerError(unexpected: (error: unknown) => void) {
  return (error: unknown, _request: Request, response: Response, _next: NextFunction): void => {
    const refused = error instanceof ArpanetError ? undefined : refusedStatus(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof ArpanetError) {
      if (mayRetry(error)) response.setHeader('Retry-After', '1');
      response.status(statusOf(error)).json({ message: error.message });
      return;
    }
    if (refused === undefined) unexpected(error);
    const message = refused === undefined ? 'internal error' : error instanceof Error ? error.message : 'bad request';
    response.status(refused ?? 500).json({ message });
  };
}
