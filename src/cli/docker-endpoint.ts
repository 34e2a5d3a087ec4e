/**
 * Which endpoint a command asks, and how: as docker's own command line decides (docker/cli cli/command/cli.go `resolveContextName`, cli/context/docker/load.go),
 * with `--endpoint` and ARPANET_ENDPOINT before it. Effects: reads the files of contexts and certificates.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hint } from '../config/nearest.ts';
import { ArpanetError } from '../model/errors.ts';
import { afterScheme, formatHostPort, parseHostPort } from '../text/host-port.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EndpointFlags {
  readonly endpoint?: string | undefined;
  /** The name of one of docker's contexts. */
  readonly context?: string | undefined;
}

/** Paths of files in PEM form. */
export interface TlsPaths {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Whether the other end must prove who it is. */
  readonly isVerified: boolean;
}

export interface Asked {
  /** `tcp://HOST:PORT` or `unix:///PATH`. */
  readonly url: string;
  readonly tls?: TlsPaths;
}

const DEFAULT_ENDPOINT = 'tcp://127.0.0.1:2375';
const [PLAIN_PORT, TLS_PORT] = [2375, 2376];
/** The context that is none: what the environment says. */
const DEFAULT_CONTEXT = 'default';

/** Throws `invalid` for what is no address, a context that there is not, and files that cannot be read. */
export function askedEndpoint({ endpoint, context }: EndpointFlags, env: Environment): Asked {
  if (endpoint !== undefined && context !== undefined)
    throw new ArpanetError('invalid', 'conflicting options: cannot specify both --endpoint and --context');
  const asked = context ?? (endpoint === undefined && !env['ARPANET_ENDPOINT'] ? env['ARPANET_CONTEXT'] || undefined : undefined);
  const address = endpoint ?? (asked === undefined ? env['ARPANET_ENDPOINT'] || env['DOCKER_HOST'] || undefined : undefined);
  if (address !== undefined) return ofAddress(address, env);
  const name = asked ?? (env['DOCKER_CONTEXT'] || currentContext(env));
  return name === undefined || name === DEFAULT_CONTEXT ? ofAddress(env['DOCKER_HOST'] || DEFAULT_ENDPOINT, env) : ofContext(name, env);
}

/** Where docker keeps its settings. */
const configDir = (env: Environment): string => env['DOCKER_CONFIG'] || join(env['HOME'] || '/root', '.docker');

/** TLS as DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH say; `http://` has none, `https://` and `tls://` always. */
function ofAddress(address: string, env: Environment): Asked {
  const url = urlOf(address, env['DOCKER_TLS_VERIFY'] || env['DOCKER_TLS'] ? TLS_PORT : PLAIN_PORT);
  const isPlain = address.startsWith('http://') || url.startsWith('unix:');
  const isAsked = /^(?:tls|https):/.test(address);
  if (isPlain || !(isAsked || env['DOCKER_TLS_VERIFY'] || env['DOCKER_TLS'])) return { url };
  const dir = env['DOCKER_CERT_PATH'] || configDir(env);
  const isVerified = isAsked || Boolean(env['DOCKER_TLS_VERIFY']);
  const { ca, ...own } = pathsIn(dir);
  if (isVerified && ca === undefined)
    throw new ArpanetError('invalid', `there is no ${join(dir, 'ca.pem')} (DOCKER_CERT_PATH), and TLS with ${url} needs it`);
  return { url, tls: { ...own, ...(isVerified && ca !== undefined ? { ca } : {}), isVerified } };
}

function pathsIn(dir: string): Omit<TlsPaths, 'isVerified'> {
  const files = (['ca', 'cert', 'key'] as const).map((name) => [name, join(dir, `${name}.pem`)] as const);
  return Object.fromEntries(files.filter(([, path]) => existsSync(path)));
}

function urlOf(address: string, port: number): string {
  const path = afterScheme(address, 'unix');
  if (path?.startsWith('/')) return `unix://${path}`;
  const [scheme] = /^[a-z]+(?=:\/\/)/.exec(address) ?? [];
  const usual = scheme === 'tls' || scheme === 'https' ? TLS_PORT : port;
  const found = parseHostPort(afterScheme(address, 'tcp', 'http', 'https', 'tls') ?? address, scheme === undefined ? undefined : usual);
  if (found !== undefined) return `tcp://${formatHostPort(found)}`;
  throw new ArpanetError(
    'invalid',
    `cannot reach a cluster at "${address}": give tcp://HOST:PORT or unix:///PATH by --endpoint, ARPANET_ENDPOINT or DOCKER_HOST, or a docker context that has one`,
  );
}

/** Undefined: no context is in use. A file of settings that cannot be read has none, as for docker. */
function currentContext(env: Environment): string | undefined {
  const config = json(join(configDir(env), 'config.json'));
  const name = config?.['currentContext'];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function json(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** docker/cli cli/context/store: folders are called by the SHA-256 of the context's name. */
function ofContext(name: string, env: Environment): Asked {
  const folder = join(configDir(env), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const meta = json(join(folder, 'meta', id, 'meta.json'));
  if (meta === undefined)
    throw new ArpanetError('invalid', `context "${name}": context not found: ${hint(name, contextsIn(folder), 'there are none')}`);
  const endpoints = meta['Endpoints'] as
    | Readonly<Record<string, { readonly Host?: unknown; readonly SkipTLSVerify?: unknown } | undefined>>
    | undefined;
  const { Host, SkipTLSVerify } = endpoints?.['docker'] ?? {};
  if (typeof Host !== 'string' || Host === '') throw new ArpanetError('invalid', `the context "${name}" has no docker endpoint`);
  const files = pathsIn(join(folder, 'tls', id, 'docker'));
  const isTls = Object.keys(files).length > 0 || SkipTLSVerify === true;
  const url = urlOf(Host, isTls ? TLS_PORT : PLAIN_PORT);
  return isTls && !url.startsWith('unix:') ? { url, tls: { ...files, isVerified: SkipTLSVerify !== true } } : { url };
}

function contextsIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(join(folder, 'meta')).map((id) => json(join(folder, 'meta', id, 'meta.json'))?.['Name']);
    return [DEFAULT_CONTEXT, ...names.filter((one) => typeof one === 'string')];
  } catch {
    return [DEFAULT_CONTEXT];
  }
}
