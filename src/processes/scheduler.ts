/**
 * The scheduler process: opens the store, opens its endpoint, stands for election, and leads or follows.
 * Effects: the store, the endpoint, the election; while it leads, a leadership's.
 */
import { startEndpoint } from '../docker-api/index.ts';
import { createDns } from '../dns/index.ts';
import { ArpanetError, keys, type LeaderRecord } from '../model/index.ts';
import { createOperations, createTerminals, operatorApi, operatorRoute, servePage } from '../operator-api/api.ts';
import { explained } from '../operator-api/index.ts';
import { openCatalog, openConsul, openEmbedded, type StateStore, type Term } from '../store/index.ts';
import { aborted } from './aborted.ts';
import { announce, createPeers } from './scheduler-peers.ts';
import { runAudit } from './audit.ts';
import { steadyNow } from './clock.ts';
import { clusterOf } from './cluster-roles.ts';
import { narrowedFor } from './people/narrowed.ts';
import type { Part } from '../operator-api/index.ts';
import { goOnWithDeployments } from './deployments/go-on.ts';
import { deploymentsFor } from './deployments/seen.ts';
import { createIsolation } from './leader-isolation.ts';
import { followSettings } from './live-settings.ts';
import type { Logging } from './logger.ts';
import { createWitnesses, WITNESS_TIMEOUT_MS } from './leader-witnesses.ts';
import { createProbe } from './probe.ts';
import { type Leadership, startLeadership } from './leadership.ts';
import { createReplicaFollower } from './replica/follow.ts';
import { ROOMS, type Rooms } from './rooms.ts';
import type { SchedulerSettings } from './scheduler-settings.ts';
import { openAuditLog } from './observability/audit-log.ts';
import { liveOf } from './observability/live.ts';
import { hostMetrics } from './observability/host-metrics.ts';
import { schedulerMetrics, termsWon } from './observability/scheduler-metrics.ts';
import { createCaRotation } from './identity/ca-rotation.ts';
import { createKeyRotation, keysNow, takeSentKeys } from './identity/key-rotation.ts';
import { createStoreSchema } from './identity/store-schema.ts';
import { createSchedulerCertificate } from './identity/scheduler-certificate.ts';
import { rotateJoinSecret } from './identity/join-secret.ts';
import { createIdentityCopy } from './identity/identity-copy.ts';
import { readmitHost, revokeHost } from './identity/revocation.ts';
import { issuePass, withdrawPass } from './identity/join-passes.ts';
import { bootOf } from './identity/boot.ts';
import { httpsOf, joiningOf } from './identity/joining.ts';
import { isSame, namesOf, servesTls, tokenToShow } from './identity/join-settings.ts';
import { usageOf } from './usage.ts';
import {
  type ClusterKeyFile,
  JOIN_NAME,
  openClusterKeyFile,
  readJoinToken,
  readTls,
  SCHEDULER_NAME,
  writeJoinToken,
} from '../security/index.ts';
import { inBackground, reportFault } from '../telemetry/faults.ts';
import { logLeftOut } from '../telemetry/left-out.ts';

export interface SchedulerHooks {
  /** Called once it listens. */
  readonly ready?: () => void;
  /** What the process is built of; tests hand in rooms with faults. */
  readonly rooms?: Rooms;
  /** Gets a function that applies other settings of this process. */
  readonly onReload?: (take: (own: SchedulerSettings['own']) => void) => void;
}

/** So long (ms) a scheduler that is to end waits for what was asked of it. With Consul another takes over meanwhile, and finishes or undoes what is left. */
const SETTLE_MS = { embedded: 10_000, consul: 2_000 };

/**
 * Runs until the signal aborts, and until what was asked by then is answered.
 * Throws ArpanetError `invalid` or `unavailable` when the store cannot be opened or the address cannot be listened on.
 */
export async function runScheduler(
  settings: SchedulerSettings,
  { log, setLevel }: Pick<Logging, 'log' | 'setLevel'>,
  asked: AbortSignal,
  { ready, rooms = ROOMS, onReload }: SchedulerHooks = {},
): Promise<void> {
  logLeftOut(log);
  const ending = new AbortController();
  const { signal } = ending;
  let settled = (): Promise<void> => Promise.resolve();
  const stop = (): void =>
    inBackground(
      log,
      'the end of this scheduler',
      settled().finally(() => ending.abort()),
    );
  if (asked.aborted) ending.abort();
  else asked.addEventListener('abort', stop, { once: true });
  await using auditLog = openAuditLog(settings.auditLog, log, Date.now);
  const traces = await tracesOf(settings);
  const where = settings.store;
  const { clusterKey } = settings;
  let keyFile: ClusterKeyFile | undefined;
  const sealingKeys = () => (keyFile ??= clusterKey === undefined ? undefined : openClusterKeyFile(clusterKey));
  await using store =
    where.kind === 'consul'
      ? await openConsul(where.address, { log, token: where.token, tls: where.tls, cluster: sealingKeys() })
      : await openEmbedded(where.dir, log, sealingKeys);
  const catalog = where.kind === 'consul' ? openCatalog(where.address, { log, token: where.token, tls: where.tls }) : undefined;
  const dns =
    settings.dns === undefined
      ? undefined
      : createDns({ port: settings.dns.port, upstream: [], log: log.child({ room: 'dns' }), now: steadyNow });
  if (dns !== undefined && settings.dns !== undefined) await dns.listen(settings.dns.host).catch(settings.onDnsTrouble);
  let leadership: Leadership | undefined;
  const live = followSettings(
    store,
    settings.own,
    ({ now, kept }) => {
      setLevel(kept()['log-level'] === undefined ? undefined : now().logLevel);
      leadership?.scheduler.agents.pushSettings();
    },
    log,
    signal,
  );
  onReload?.(live.reload);
  const certificate = createSchedulerCertificate(
    { store, name: settings.name, names: namesOf(settings), servesTls: servesTls(settings), now: Date.now, log },
    signal,
  );
  await certificate.load(false).catch((err: unknown) => log.debug({ err }, 'no certificate for this scheduler yet'));
  await using copy = keyFile === undefined ? undefined : createIdentityCopy({ store, file: keyFile, log });
  if (copy !== undefined) inBackground(log, 'the copy of what the cluster is known by', copy.follow(signal));
  const toScheduler = () => certificate.dial(SCHEDULER_NAME);
  const replica = createReplicaFollower({ tls: toScheduler, log: log.child({ room: 'scheduler' }) }, signal);
  const peers = createPeers(Date.now);
  let seenEpoch = 0;
  const current = () => {
    if (leadership === undefined) throw new ArpanetError('not-leader', 'no leader is known yet: try again');
    return leadership;
  };
  const whole: Part = {
    observe: () => current().observe(),
    decision: (reference) => {
      const { scheduler } = current();
      const refused = scheduler.placement.refusal(reference);
      if (refused !== undefined && !scheduler.containers.list().some(({ name }) => name === reference)) return refused;
      const { record } = scheduler.containers.one(reference);
      if (record === undefined)
        throw new ArpanetError('not-found', `${reference} was not placed by this cluster: there is no placement decision`);
      return explained(record, scheduler.placement.rehearse);
    },
    rehearse: (creates, networks, isHeld) => current().rehearse(creates, networks, isHeld),
    services: () => current().services.services,
    live: () => liveOf(current()),
    container: (reference) => current().scheduler.containers.one(reference),
  };
  const operations = createOperations(Date.now, (error) => reportFault(log, 'a request of an operator', error));
  const secret = async () => leadership?.labelKey ?? (await secretIn(store));
  const engine = (host: string) => current().scheduler.engines.endpoint(host);
  const terminals = createTerminals({
    engine,
    ended: () => current().ended,
    now: Date.now,
  });
  const operator = operatorApi({
    ready: async (signal) => current().scheduler.leader.ready(signal),
    token: () => tokenToShow(current(), settings),
    rotateToken: async () => {
      const { ledger, token } = current();
      await rotateJoinSecret(ledger, token(), log);
      return tokenToShow(current(), settings);
    },
    issueToken: async (request) => {
      const { ledger, ca } = current();
      if (ca === undefined || !servesTls(settings))
        throw new ArpanetError(
          'conflict',
          'without TLS the join token is all that the cluster and its hosts know each other by, and so has no end: let schedulers listen with --listen tls://',
        );
      const { secret, untilMs } = await issuePass(ledger, request, Date.now(), log);
      return { token: writeJoinToken(secret, ca.fingerprint), untilMs };
    },
    withdrawToken: async (token) => await withdrawPass(current().ledger, readJoinToken(token).secret),
    join: async (request, peer) => {
      const { membership, token, scheduler } = current();
      return membership.join(request, peer, { isToken: (shown) => isSame(shown, token()), isConnected: scheduler.agents.isConnected });
    },
    joining: () => joiningOf(current(), settings, certificate, () => live.now().pool),
    hostMetrics: async (host) => await hostMetrics(host, current().scheduler.hosts.list(), certificate.dial),
    revoke: async (host) => {
      const { membership, scheduler } = current();
      await revokeHost(host, { membership, agents: scheduler.agents, copy });
    },
    readmit: async (host) => await readmitHost(host, { membership: current().membership, copy }),
    keysFor: (had) => (keyFile === undefined || keyFile.ids.every((id, i) => had[i] === id) ? undefined : keyFile.secrets()),
    keys: () => {
      const { ledger, fence } = current();
      const sealsNow = () => copy?.sealAgain();
      return createKeyRotation({ file: keyFile, without: peers.without, isSettled: peers.isSettled, ledger, store, fence, sealsNow, log });
    },
    schema: () => createStoreSchema({ ledger: current().ledger, withoutSchema: peers.withoutSchema, isSettled: peers.isSettled, log }),
    cas: () => {
      const { ledger, ca, scheduler } = current();
      const { disconnect, pushSettings } = scheduler.agents;
      const spread = async () => {
        await certificate.load(true);
        pushSettings();
      };
      return createCaRotation({ ledger, ca, now: Date.now, spread, disconnect, log });
    },
    bundle: () => leadership?.ca?.bundle ?? certificate.current()?.bundle,
    everything: () => current().ledger.list<unknown>(keys.root),
    audit: (fix) => runAudit(current(), fix),
    discard: (key) => current().scheduler.leader.discard(key),
    ...whole,
    narrowed: (identity) => narrowedFor(current(), whole, identity),
    hostOperations: () => current().services.hosts,
    deployments: (identity) => deploymentsFor(current().deployments, identity),
    operations,
    boot: () =>
      bootOf(
        current(),
        () => httpsOf(joiningOf(current(), settings, certificate, () => live.now().pool).place().schedulers),
        Date.now,
        log,
      ),
    dial: (host, address, port) => current().scheduler.agents.dial(host, address, port),
    outside: () => current().outside,
    config: () => current().config,
    users: () => current().people,
    policies: () => current().people,
    terminals,
    engine,
    secret,
    usage: () => usageOf(current().scheduler),
    auditLog: () => ({ recent: auditLog.recent, onLine: auditLog.onLine, ended: current().ended }),
    peer: (peer) => {
      if (peers.heard(peer)) leadership?.scheduler.agents.pushSettings();
    },
    now: Date.now,
    log,
  });
  await using endpoint = await startEndpoint({
    listen: [settings.listen, ...settings.alsoListen],
    tls: { cluster: certificate, ...(settings.tls === undefined ? {} : { own: readTls(settings.tls, Date.now()) }) },
    doors: { people: () => current().people, secret },
    name: settings.name,
    hostNames: settings.hostNames,
    bodyLimitBytes: () => live.now().bodyLimit,
    streamLimit: settings.streamLimit,
    limits: { ...settings.limits, isPeer: (address) => peers.list().some(({ url }) => new URL(url).hostname === address) },
    eventsBehindBytes: settings.eventsBehindBytes,
    operator,
    page: servePage,
    metrics: () => schedulerMetrics(leadership, { storeMs: store.answerMs(), trouble: store.trouble(), seenEpoch, pool: live.now().pool }),
    storeMs: () => store.answerMs(),
    trouble: () => store.trouble(),
    token: () => leadership?.token() ?? settings.joinToken,
    acceptAgent: (request, socket, head) => current().scheduler.agents.accept(request, socket, head),
    acceptTerminal: terminals.accept,
    replica: replica.view,
    audit: { write: auditLog.write, operatorRoute },
    log: log.child({ room: 'docker-api' }),
  });
  settled = () => endpoint.settled(SETTLE_MS[where.kind]);
  ready?.();
  const replace = async (next: Leadership | undefined) => {
    const old = leadership;
    leadership = next;
    await old?.stop();
  };
  const isolation = createIsolation(() => 2 * live.now().hostDownAfter, Date.now);
  const lead = async (term: Term) => {
    replica.follow(undefined);
    const next = await startLeadership(settings, {
      store,
      catalog,
      term,
      log,
      dns,
      live,
      peers,
      certificate,
      rooms,
      auditLog,
      seeds: replica.seeds(),
      ownUrl: () => endpoint.url,
      sawEpoch: (epoch) => (seenEpoch = Math.max(seenEpoch, epoch)),
    });
    // Another may lead by now, and the watch has reported it already.
    if (term.lost.aborted) return await next.stop();
    await replace(next);
    endpoint.lead(clusterOf(next.scheduler, next.services));
    goOnWithDeployments(next.deployments, operations, log);
    termsWon.inc();
    log.info({ epoch: term.epoch }, 'leading');
    // With the embedded store nobody else could lead.
    const left =
      settings.store.kind === 'consul'
        ? isolation.watch({ hosts: next.scheduler.hosts.list, lastHeardMs: next.scheduler.hosts.lastHeardMs }, term.lost)
        : undefined;
    await Promise.race([aborted(term.lost), aborted(next.superseded), ...(left === undefined ? [] : [aborted(left)])]);
    const isIsolated = left?.aborted === true;
    if (!next.superseded.aborted && !isIsolated) {
      if (!signal.aborted) log.warn({ epoch: term.epoch }, 'leadership lost: reads go on until another leader is known');
      return;
    }
    log.warn(
      { epoch: term.epoch },
      isIsolated ? 'no host can reach this leader: it steps down' : 'leadership lost: a host has seen another leader',
    );
    if (leadership !== next) return;
    endpoint.follow(undefined);
    await replace(undefined);
  };
  // With the embedded store nobody else could lead.
  const witnesses =
    settings.store.kind === 'consul'
      ? createWitnesses(store, settings.joinToken, Math.random, WITNESS_TIMEOUT_MS, certificate.dial)
      : undefined;
  let following = new AbortController();
  signal.addEventListener('abort', () => following.abort(), { once: true });
  const follow = (leader: LeaderRecord | undefined) => {
    following.abort();
    replica.follow(leader?.url === settings.advertise ? undefined : leader?.url);
    if (leader === undefined) {
      // With a view of our own we go on answering reads: perhaps no scheduler can reach the store.
      if (leadership === undefined) endpoint.follow(undefined);
      return;
    }
    peers.clear();
    if (leader.url === settings.advertise) return;
    following = new AbortController();
    const me = {
      name: settings.name,
      url: settings.advertise,
      exposed: settings.exposed ?? [],
      auditTrouble: auditLog.trouble,
      keys: () => {
        const ids = keysNow(keyFile);
        // sent by the leader, or copied here by a person
        copy?.sealAgain();
        return ids;
      },
      take: (answer: string) => takeSentKeys(keyFile, answer, log),
      refused: (answer: string) => log.error({ leader: leader.name, answer }, 'the leader does not work with this scheduler'),
    };
    inBackground(
      log,
      'announcing this scheduler',
      announce(me, leader.url, following.signal, () => signal.aborted, toScheduler),
    );
    inBackground(log, 'the certificate of this scheduler', certificate.await(leader.url.startsWith('https:'), following.signal));
    endpoint.follow(leader.url);
    inBackground(log, 'the end of a leadership', replace(undefined));
    log.info({ leader: leader.name, epoch: leader.epoch }, 'following');
  };
  try {
    await rooms.campaign(
      {
        store,
        log,
        url: settings.advertise,
        name: settings.name,
        ttlMs: settings.sessionTtlMs,
        // that somebody answers can be seen without a certificate, too
        probe: createProbe(() => toScheduler() ?? { servername: JOIN_NAME, rejectUnauthorized: false }),
        ...(witnesses && { witnesses }),
        seenEpoch: () => seenEpoch,
      },
      signal,
      lead,
      follow,
    );
  } finally {
    await replace(undefined);
    await dns?.close();
    await traces?.[Symbol.asyncDispose]();
  }
}

/** Loaded only where it is asked for. Throws `invalid` for what is no address. */
async function tracesOf({ tracesTo, name }: SchedulerSettings): Promise<AsyncDisposable | undefined> {
  if (tracesTo === undefined) return undefined;
  if (!/^https?:$/.test(URL.canParse(tracesTo) ? new URL(tracesTo).protocol : ''))
    throw new ArpanetError('invalid', `--traces-to is ${JSON.stringify(tracesTo)}: it is http://HOST:PORT/PATH of a collector`);
  const { sendTraces } = await import('./observability/traces.ts');
  return sendTraces(tracesTo, name);
}

/** What schedulers sign for each other with, as a follower finds it. */
async function secretIn(store: Pick<StateStore, 'get'>): Promise<string> {
  const entry = await store.get(keys.labelKey);
  if (typeof entry?.value === 'string' && entry.value !== '') return entry.value;
  throw new ArpanetError('unavailable', 'this cluster has had no leader yet');
}
