/**
 * Asks the agents, and through their gateways the Engines, for all that a lost store can be made from. Effects: HTTP; changes nothing, not even an
 * agent's epoch.
 */
import type { ConnectionOptions } from 'node:tls';
import { createEngineAgent, engineJson, engineRequest, handshakeFault, shortRequest, splitHostPort } from '../engine/index.ts';
import { ArpanetError, type ContainerInspect, type HostRecord, isKind, type RecoveryFacts, keys, labels } from '../model/index.ts';
import { accept, parseJson, recoveryFacts } from '../schemas/index.ts';
import { type Credentials, dialOptions, hostServerName, JOIN_NAME } from '../security/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { FoundHost, FoundNetwork } from './recover-plan.ts';
import type { ShownCertificate } from './trust.ts';

const TIMEOUT_MS = 15_000;
const INSPECTS_AT_ONCE = 8;

export interface Gathered {
  readonly hosts: readonly FoundHost[];
  /** Hosts that are known of and could not be asked. */
  readonly missing: readonly { readonly name: string; readonly gateway: string; readonly why: string }[];
  /** By host: what those with TLS have shown. */
  readonly shown: ReadonlyMap<string, ShownCertificate>;
}

interface EngineNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Internal?: boolean;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Options: Readonly<Record<string, string>> | null;
  readonly IPAM: { readonly Config: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null };
}

/**
 * `gateways`: `HOST:PORT` of at least one agent; the others are found in the records that it keeps. `credentials`: a scheduler's of their cluster, for those with TLS. Throws `unauthorized` for
 * a wrong token.
 */
export async function gatherHosts(
  gateways: readonly string[],
  token: string,
  credentials: Credentials | undefined,
  log: Logger,
): Promise<Gathered> {
  const shown = new Map<string, ShownCertificate>();
  const hosts: FoundHost[] = [];
  const missing: Gathered['missing'][number][] = [];
  const names = new Map<string, string>();
  const asked = new Set<string>();
  for (let next = gateways; next.length > 0; ) {
    for (const gateway of next) asked.add(gateway);
    await Promise.all(
      next.map(async (gateway) => {
        try {
          const { certificate, ...host } = await askHost(gateway, token, credentials, log);
          hosts.push(host);
          if (certificate !== undefined) shown.set(host.kept.host.name, certificate);
        } catch (error) {
          if (isKind(error, 'unauthorized')) throw error;
          const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
          missing.push({
            name: names.get(gateway) ?? gateway,
            gateway,
            why: `${error instanceof Error ? error.message : String(error)}${cause}`,
          });
        }
      }),
    );
    const records = hosts.flatMap(({ kept }) => (kept.state?.records ?? []).filter(([key]) => key.startsWith(keys.hosts)));
    for (const [, value] of records) names.set((value as HostRecord).gateway, (value as HostRecord).name);
    next = [...names.keys()].filter((gateway) => !asked.has(gateway));
  }
  const found = new Set(hosts.map(({ kept }) => kept.host.name));
  return {
    hosts: hosts.toSorted((a, b) => (a.kept.host.name < b.kept.host.name ? -1 : 1)),
    missing: missing.filter(({ name }) => !found.has(name)),
    shown,
  };
}

async function askHost(
  gateway: string,
  token: string,
  credentials: Credentials | undefined,
  log: Logger,
): Promise<FoundHost & { readonly certificate: ShownCertificate | undefined }> {
  const secured = credentials && (await askSecured(gateway, credentials));
  const kept = secured?.kept ?? (await askAgent(gateway, token, credentials !== undefined));
  const tls = credentials && secured && (() => dialOptions(credentials, hostServerName(kept.host.name)));
  const agent = createEngineAgent({ gateway, token, epoch: kept.epoch, tls, log });
  const get = <T>(path: string): Promise<T> => engineJson<T>({ agent }, { method: 'GET', path, timeoutMs: TIMEOUT_MS });
  const labelled = (label: string): string => encodeURIComponent(JSON.stringify({ label: [label] }));
  try {
    const [summaries, networks] = await Promise.all([
      get<{ Id: string }[]>(`/containers/json?all=1&filters=${labelled(labels.record)}`),
      get<EngineNetwork[]>(`/networks?filters=${labelled(labels.network)}`),
    ]);
    const containers: ContainerInspect[] = [];
    for (let at = 0; at < summaries.length; at += INSPECTS_AT_ONCE) {
      const batch = summaries.slice(at, at + INSPECTS_AT_ONCE);
      containers.push(...(await Promise.all(batch.map(({ Id }) => get<ContainerInspect>(`/containers/${Id}/json`)))));
    }
    return { kept, containers, networks: networks.map(toFound), certificate: secured?.certificate };
  } finally {
    agent.destroy();
  }
}

/** What OpenSSL says of an answer that is no TLS: as its own error, or, where it was about to write, as EPROTO with that in its text. */
function isPlain(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') return true;
  return code === 'EPROTO' && cause instanceof Error && /wrong version number|packet length too long/i.test(cause.message);
}

/** Undefined: its gateway has no TLS. Throws `unavailable` where it has, and does not answer. */
async function askSecured(
  gateway: string,
  credentials: Credentials,
): Promise<{ readonly kept: RecoveryFacts; readonly certificate: ShownCertificate } | undefined> {
  let certificate: ShownCertificate | undefined;
  let name = '';
  const tls: ConnectionOptions = {
    ...dialOptions(credentials, JOIN_NAME),
    checkServerIdentity(_asked, { subject, serialNumber, valid_to: until }) {
      name = String(subject.CN);
      certificate = { serial: serialNumber, toMs: Date.parse(until) };
      return subject.OU === 'host' ? undefined : new Error('it is no host');
    },
  };
  const url = `https://${gateway}/kept`;
  const answer = await shortRequest({ url, signal: AbortSignal.timeout(TIMEOUT_MS), tls }).catch((cause: unknown) => {
    if (isPlain(cause)) return undefined;
    const why = handshakeFault(cause);
    throw new ArpanetError(
      'unavailable',
      `no agent answers at ${gateway}${why === undefined ? '' : `: ${why}, as the CA that is known has it`}`,
      {
        cause,
      },
    );
  });
  if (answer === undefined || certificate === undefined) return undefined;
  if (answer.status !== 200) throw new ArpanetError('unavailable', `the agent at ${gateway} does not say what it keeps (${answer.status})`);
  const kept = accept(recoveryFacts, parseJson(answer.text), `what the agent at ${gateway} keeps`);
  if (kept.host.name !== name)
    throw new ArpanetError('unavailable', `the agent at ${gateway} says that it is ${kept.host.name}, and its certificate is of ${name}`);
  return { kept, certificate };
}

async function askAgent(gateway: string, token: string, hasCa: boolean): Promise<RecoveryFacts> {
  const answer = await engineRequest(splitHostPort(gateway), {
    method: 'GET',
    path: '/kept',
    headers: { Authorization: `Bearer ${token}` },
    timeoutMs: TIMEOUT_MS,
  }).catch((cause: unknown) => {
    const hint = hasCa
      ? ''
      : ' (if it joined by https://, it answers schedulers with a certificate alone: give any backup of this cluster, which has the CA, or run this on a scheduler, with ARPANET_CLUSTER_KEY: a copy lies beside that file)';
    throw new ArpanetError('unavailable', `no agent answers at ${gateway}${hint}`, { cause });
  });
  if (answer.status === 401)
    throw new ArpanetError('unauthorized', `the agent at ${gateway} has another join token: give the one that it was started with`);
  if (answer.status !== 200)
    throw new ArpanetError(
      'unavailable',
      `the agent at ${gateway} does not say what it keeps (${answer.status}): is it of an older version?`,
    );
  return accept(recoveryFacts, parseJson(answer.body.toString()), `what the agent at ${gateway} keeps`);
}

function toFound({ Id, Name, Internal, Labels, Options, IPAM }: EngineNetwork): FoundNetwork {
  const { [labels.network]: network = '', ...others } = Labels ?? {};
  const ipv4 = IPAM.Config?.find(({ Subnet = '' }) => !Subnet.includes(':'));
  return {
    engineId: Id,
    name: Name,
    network,
    cidr: ipv4?.Subnet ?? '',
    gateway: ipv4?.Gateway ?? '',
    internal: Internal === true,
    labels: others,
    options: Options ?? {},
  };
}
