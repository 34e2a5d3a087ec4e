/** What a scheduler process is started with, from flags, environment and file. */
import type { EndpointDeps } from '../docker-api/index.ts';
import type { LiveSettings, SchedulerConfig, UpConfig } from '../config/index.ts';
import { isLoopback, type ListenAddress, planListen, readConsulTls, type TlsFiles } from '../security/index.ts';
import { ArpanetError } from '../model/index.ts';
import { type ConsulAccess, keyFileOf } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { formatHostPort } from '../text/host-port.ts';

export interface SchedulerSettings {
  readonly name: string;
  readonly listen: { readonly host: string; readonly port: number; readonly isTls?: boolean };
  /** Names with a dot by which clients may reach it, besides its addresses. */
  readonly hostNames?: readonly string[];
  /** More addresses to listen on. */
  readonly alsoListen: readonly (ListenAddress | { readonly host: string; readonly port: number })[];
  /** For the addresses with TLS. */
  readonly tls?: TlsFiles | undefined;
  /** `tcp://10.0.0.1:2375`: addresses without TLS that other machines reach. */
  readonly exposed?: readonly string[];
  /** `http://ADDR:PORT` at which the other schedulers and the agents reach this one. */
  readonly advertise: string;
  readonly store:
    | ({ readonly kind: 'consul'; readonly address: string } & ConsulAccess)
    | { readonly kind: 'embedded'; readonly dir: string };
  /** The file of the key that seals secrets in the store; undefined: nothing is sealed. */
  readonly clusterKey?: string | undefined;
  /** What can be changed for the whole cluster while it runs: as this process was started with. */
  readonly own: LiveSettings;
  readonly defaultPrefix: number;
  /** Given by the operator, or undefined: one is made at first start and kept in the store. */
  readonly joinToken: string | undefined;
  /** Where to answer `*.service.consul` with the embedded store; undefined: nowhere. */
  readonly dns: { readonly host: string; readonly port: number } | undefined;
  /** What becomes of it when that address cannot be listened on; rethrows, or goes on without. */
  readonly onDnsTrouble: (error: unknown) => void;
  /** Where published ports are answered while this one leads; undefined: on their hosts alone. */
  readonly publishAt: string | undefined;
  readonly graceMs: number;
  readonly sessionTtlMs: number;
  /** A file, or `-` for standard output; undefined: the last lines are kept in memory alone. */
  readonly auditLog?: string | undefined;
  /** Address of a collector of traces, by OTLP/HTTP. */
  readonly tracesTo?: string | undefined;
  readonly streamLimit: number;
  /** What one client may have, and how long it may take. */
  readonly limits: Omit<EndpointDeps['limits'], 'isPeer'>;
  readonly eventsBehindBytes: number;
}

/** Where a process with a scheduler listens. Throws `invalid` as planListen does, and where one of the three files of TLS is missing. */
export function listenSettings(config: SchedulerConfig | UpConfig) {
  const { listen, insecure, tlsCa: ca, tlsCert: cert, tlsKey: key } = config;
  const tls = ca === undefined || cert === undefined || key === undefined ? undefined : { ca, cert, key };
  if (tls === undefined && (ca ?? cert ?? key) !== undefined)
    throw new ArpanetError('invalid', '--tls-ca, --tls-cert and --tls-key are given together or not at all');
  const asked = listen.all ?? [{ scheme: 'tcp' as const, host: listen.host, port: listen.port }];
  const { main, others, exposed } = planListen(asked, { isInsecure: insecure === true, hasCertificate: tls !== undefined });
  return { listen: main, alsoListen: others, tls, exposed };
}

/** Says in the log which addresses any client has root at. */
export function warnOfExposed(log: Logger, exposed: readonly string[] = []): void {
  for (const listen of exposed) {
    log.warn(
      { listen },
      'LISTENING WITHOUT TLS ON AN ADDRESS THAT OTHERS MAY REACH: any client that reaches it has root on every host; keep it on a private network',
    );
  }
}

/** What `arpanet scheduler` and `arpanet up` have in common. */
export function schedulingSettings(config: SchedulerConfig | UpConfig, hostname: string) {
  return {
    hostNames: [
      hostname,
      ...(config.listen.all ?? [config.listen]).flatMap((one) => ('host' in one ? [one.host] : [])),
      ...(config.allowHost ?? []),
    ],
    own: {
      pool: config.pool,
      strategy: config.strategy,
      leaseRest: config.leaseRest,
      overcommitCpu: config.overcommitCpu,
      overcommitMemory: config.overcommitMemory,
      encryptNetworks: config.encryptNetworks,
      publishMode: config.publishMode,
      drainTime: config.drainTime,
      hostDownAfter: config.hostDownAfter,
      bodyLimit: config.bodyLimit,
      logLevel: config.logLevel,
      reschedule: config.reschedule,
    },
    defaultPrefix: 22,
    auditLog: config.auditLog,
    tracesTo: config.tracesTo,
    dns: config.dnsListen === 'none' ? undefined : config.dnsListen,
    publishAt: config.publishAt === 'none' ? undefined : config.publishAt,
    graceMs: config.hostGrace,
    sessionTtlMs: config.sessionTtl,
    streamLimit: config.streamLimit,
    limits: {
      connections: config.clientConnections,
      streams: config.clientStreams,
      requestMs: config.requestTime,
      stallMs: config.stallTime,
      streamStallMs: config.streamStallTime,
    },
    eventsBehindBytes: config.eventsBehindLimit,
  } as const;
}

/** Where other machines reach it, by TLS if they can; `hasCa`: its cluster has a CA, by which schedulers know each other. */
function advertised({ listen, alsoListen }: Pick<SchedulerSettings, 'listen' | 'alsoListen'>, hasCa: boolean): string {
  const ofTcp = [listen, ...alsoListen].flatMap((one) => ('host' in one ? [{ isTls: false, ...one }] : []));
  const reachable = ofTcp.filter(({ host }) => !isLoopback(host));
  const { isTls, ...at } = reachable.find((one) => one.isTls && hasCa) ??
    reachable.find((one) => !one.isTls) ?? { isTls: false, ...listen };
  return `http${isTls ? 's' : ''}://${formatHostPort(at)}`;
}

const consulFiles = ({ consulCa: ca, consulCert: cert, consulKey: key }: SchedulerConfig) => ({ ca, cert, key });

/** The settings of `arpanet scheduler`. `hostname` is its name unless the operator gave one. Throws `invalid` as listenSettings does, and for TLS without a key for its CA. */
export function schedulerSettings(config: SchedulerConfig, hostname: string): SchedulerSettings {
  const { store } = config;
  const listening = listenSettings(config);
  const settings = schedulingSettings(config, hostname);
  const clusterKey = config.clusterKey ?? (store.kind === 'embedded' ? keyFileOf(store.dir) : undefined);
  const advertise = config.advertise ?? advertised(listening, clusterKey !== undefined);
  const isTls = [listening.listen, ...listening.alsoListen].some((one) => 'isTls' in one && one.isTls);
  if (isTls && listening.tls === undefined && clusterKey === undefined)
    throw new ArpanetError(
      'invalid',
      "--listen tls:// without --tls-cert needs --cluster-key: the key of the cluster's CA is kept in Consul, sealed with it",
    );
  return {
    ...settings,
    hostNames: [...settings.hostNames, config.name ?? hostname, new URL(advertise).hostname],
    dns: store.kind === 'embedded' ? settings.dns : undefined,
    name: config.name ?? hostname,
    ...listening,
    advertise,
    store:
      store.kind === 'consul'
        ? { kind: 'consul', address: formatHostPort(store), token: config.consulToken, tls: readConsulTls(consulFiles(config)) }
        : store,
    clusterKey,
    joinToken: config.joinToken,
    onDnsTrouble: (error) => {
      throw error;
    },
  };
}
