/**
 * Watches all hosts and sets their states by the table of host-states.ts. The one writer of a host's state. A round looks at the hosts that have been silent, and at
 * those that are not simply alive: hosts are kept in the order in which they were heard. Effects: a timer, logs, events.
 */
import type { HostView } from '../../model/index.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { Feed } from '../events/feed.ts';
import type { AgentReport } from '../agents/agent-report.ts';
import type { Triggers } from '../triggers.ts';
import type { HostWriter, ViewReader } from '../view/roles.ts';
import { CUT_OFF_MS, cutOff, QUIET_MS, type QuietHost } from './cut-off.ts';
import { hostEvent, TRANSITIONS } from './host-states.ts';
import { MASS_LOSS, massLoss, NEARLY_DOWN } from './mass-loss.ts';
import { guarded, inBackground } from '../../telemetry/faults.ts';

export interface Liveness {
  /** The host is a member, and no message came from it since the election. */
  readonly member: (host: string) => void;
  /** A host's agent has connected, and the host is in the view. */
  readonly connected: (host: string) => void;
  /** A message came from it. False: the host is not a member, and its message means nothing. To be called before the message is applied. */
  readonly heard: (host: string, message: AgentReport) => boolean;
  /** Its stream was ended, or its hello refused, for this reason; undefined: it ended by itself. Judges what has become of it, once for all that end together. */
  readonly cut: (host: string, reason: string | undefined) => void;
  /** The host is not a member any more. */
  readonly forget: (host: string) => void;
  /** When any host's last message came, in ms of the leader's clock; undefined: none since the election. */
  readonly lastHeardMs: () => number | undefined;
  /** Judges now what has become of the hosts. */
  readonly judge: () => void;
}

interface HostSigns {
  heardMs: number;
  hasReported: boolean;
  engineError: string | undefined;
  engineStall: string | undefined;
}

/** Of a host of which nothing is heard. */
interface Dial {
  isUnderWay: boolean;
  /** When the last one that is over began, and whether its kernel answered. */
  atMs: number;
  isReached: boolean;
}

export interface LivenessParts {
  readonly deps: Pick<SchedulerDeps, 'log' | 'now'> & { readonly settings: Pick<SchedulerDeps['settings'], 'graceMs' | 'hostDownMs'> };
  readonly view: Pick<ViewReader, 'hosts' | 'host'>;
  readonly members: Pick<HostWriter, 'setState' | 'setCutOff'>;
  /** Whether a machine answers at the gateway's address within so many ms. Never rejects. */
  readonly isReached: (gateway: string, timeoutMs: number) => Promise<boolean>;
  readonly feed: Pick<Feed, 'node'>;
  readonly triggers: Triggers;
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

const DIAL_MS = 1_000;
/** Many may be suspect, and for long. */
const SUSPECT_EVERY_MS = 5_000;

export function startLiveness({ deps, view, members, isReached, feed, triggers }: LivenessParts, lost: AbortSignal): Liveness {
  const { log, now, settings } = deps;
  const signs = new Map<string, HostSigns>();
  /** Hosts with signs, in the order in which they were heard last. */
  const order = new Set<string>();
  /** Members without. */
  const unheard = new Set(view.hosts().map(({ name }) => name));
  /** Hosts of which more is to be said than that they are alive. */
  const unsettled = new Set(unheard);
  const dials = new Map<string, Dial>();
  /** Hosts whose names are out of DNS because no message comes from them. */
  let out: ReadonlySet<string> = new Set();
  /** Why the leader does not listen to them. */
  const reasons = new Map<string, string>();
  const electedAtMs = now();
  const judgeSoon = onceATurn(judge);
  const judgeCutOffSoon = onceATurn(judgeCutOff);
  const everyMs = Math.max(50, Math.min(250, settings.hostDownMs / 10));
  /** A host needs no look that sent a message since. */
  const quietMs = Math.min(QUIET_MS, settings.hostDownMs * NEARLY_DOWN);
  let lastMs = electedAtMs;
  let lastHeardMs = electedAtMs;
  /** When each host was last one of too many. */
  let together: ReadonlyMap<string, number> = new Map();

  function hearing(host: string): void {
    unheard.delete(host);
    order.delete(host);
    order.add(host);
    lastHeardMs = now();
  }

  /** Those of which nothing was heard for a while, by name. */
  function silent(): readonly HostView[] {
    const names = [...unheard];
    for (const name of order) {
      if (now() - (signs.get(name)?.heardMs ?? electedAtMs) < quietMs) break;
      names.push(name);
    }
    return names.toSorted(byName).flatMap((name) => view.host(name) ?? []);
  }

  function settle(name: string): void {
    const host = view.host(name);
    if (host === undefined || (host.state === 'alive' && host.isCutOff !== true)) unsettled.delete(name);
    else unsettled.add(name);
  }

  function judgeOne(name: string): void {
    judgeState(name);
    settle(name);
  }

  function judgeState(name: string): void {
    const host = view.host(name);
    if (host === undefined) return;
    const { heardMs, hasReported = false, engineError, engineStall } = signs.get(name) ?? {};
    const happened = hostEvent({
      nowMs: now(),
      electedAtMs,
      heardMs,
      hasReported,
      engineError,
      engineStall,
      cutWhy: reasons.get(name),
      isMassLoss: together.has(name),
      hostDownMs: settings.hostDownMs,
      graceMs: settings.graceMs,
    });
    if (happened === undefined) return;
    const { event, why } = happened;
    const state = TRANSITIONS[host.state][event];
    if (state === 'removed' || !members.setState(name, state, why, now()) || state === host.state) return;
    if (event === 'silent' || event === 'silent-with-many') triggers.emit('host-silent', name);
    if (state === 'down' || state === 'suspect') log.warn({ host: name, state, why }, 'host is unreachable');
    else log.info({ host: name, state }, 'host changed state');
    feed.node(name, { 'state.old': host.state, 'state.new': state, ...(why === undefined ? {} : { why }) });
  }

  /** Asks the kernel of a host of which nothing is heard. */
  function look({ name, state, record: { gateway } }: HostView): void {
    const heardMs = signs.get(name)?.heardMs;
    const quietMs = now() - (heardMs ?? electedAtMs);
    const before = dials.get(name);
    const sinceMs = now();
    const isEarly = state === 'suspect' && before !== undefined && sinceMs - before.atMs < SUSPECT_EVERY_MS;
    if (isEarly || before?.isUnderWay === true || (heardMs !== undefined && quietMs < QUIET_MS)) return;
    const dial = { atMs: Number.NEGATIVE_INFINITY, isReached: true, ...before, isUnderWay: true };
    dials.set(name, dial);
    const waitMs = heardMs === undefined ? DIAL_MS : Math.max(DIAL_MS, CUT_OFF_MS - quietMs);
    const looked = isReached(gateway, waitMs).then((does) => {
      Object.assign(dial, { isUnderWay: false, atMs: sinceMs, isReached: does });
      judgeCutOffSoon();
    });
    inBackground(log, 'a connection to a quiet host', looked);
  }

  function judgeCutOff(): void {
    const down = [...unsettled].filter((name) => view.host(name)?.state === 'down');
    const quiet = silent().flatMap(({ name, state }): QuietHost[] => {
      if (state === 'down') return [];
      const sign = signs.get(name);
      const heardMs = sign?.heardMs ?? electedAtMs;
      const dial = dials.get(name);
      const isReached = dial !== undefined && dial.atMs >= heardMs ? dial.isReached : undefined;
      return [{ name, heardMs, isNeverConnected: sign === undefined, isReached, isOut: out.has(name) }];
    });
    const found = cutOff(quiet, now(), order.size + unheard.size - down.length);
    for (const name of [...new Set([...found, ...unsettled])].toSorted(byName)) setCutOff(name, found.has(name));
    out = new Set([...found, ...down]);
  }

  function setCutOff(name: string, is: boolean): void {
    const isChanged = members.setCutOff(name, is);
    settle(name);
    if (!isChanged) return;
    if (is) log.warn({ host: name }, 'nothing reaches a host: its names leave DNS until it is heard again');
    else log.info({ host: name }, 'a host that was cut off is heard again, or called down');
  }

  function judgeTogether(): void {
    const hosts = silent().map(({ name }) => ({ name, heardMs: signs.get(name)?.heardMs ?? electedAtMs }));
    const wasNone = together.size === 0;
    together = massLoss(hosts, now(), settings.hostDownMs, together, order.size + unheard.size);
    if (!wasNone || together.size === 0) return;
    log.error({ hosts: [...together.keys()] }, MASS_LOSS);
    for (const name of together.keys()) feed.node(name, { warning: MASS_LOSS });
  }

  function judge(): void {
    // When this process slept (it was stopped, or its loop was blocked), no host could be heard: the hosts are not at fault.
    const sleptMs = now() - lastMs - everyMs;
    if (sleptMs > settings.hostDownMs / 2) {
      for (const sign of signs.values()) sign.heardMs += sleptMs;
      lastHeardMs += sleptMs;
    }
    lastMs = now();
    judgeTogether();
    for (const name of [...new Set([...silent().map((host) => host.name), ...unsettled])].toSorted(byName)) {
      const host = view.host(name);
      judgeOne(name);
      if (host !== undefined && host.state !== 'down') look(host);
    }
    judgeCutOff();
  }

  /** Once for all that happens in one turn of the event loop: hosts whose streams end together are looked at together. */
  function onceATurn(act: () => void): () => void {
    let isDue = false;
    return () => {
      if (isDue) return;
      isDue = true;
      setImmediate(
        guarded(log, 'judging hosts', () => {
          isDue = false;
          if (!lost.aborted) act();
        }),
      );
    };
  }

  const timer = setInterval(guarded(log, 'judging hosts', judge), everyMs);
  lost.addEventListener('abort', () => clearInterval(timer));

  return {
    judge,
    member(host) {
      if (signs.has(host)) return;
      unheard.add(host);
      unsettled.add(host);
    },
    cut(host, reason) {
      const isMember = view.host(host) !== undefined;
      if (isMember && reason !== undefined) reasons.set(host, reason);
      if (isMember) unsettled.add(host);
      judgeSoon();
    },
    connected(host) {
      reasons.delete(host);
      if (view.host(host)?.isCutOff === true) setCutOff(host, false);
      signs.set(host, { heardMs: now(), hasReported: false, engineError: undefined, engineStall: undefined });
      hearing(host);
      judgeOne(host);
    },
    heard(host, message) {
      const sign = signs.get(host);
      if (sign === undefined) return false;
      sign.heardMs = now();
      hearing(host);
      if (view.host(host)?.isCutOff === true) setCutOff(host, false);
      // Its Engine has just been read.
      if (message.type === 'snapshot') Object.assign(sign, { hasReported: true, engineError: undefined, engineStall: undefined });
      if (message.type === 'engine') {
        sign.engineError = message.alive ? undefined : message.why;
        sign.engineStall = message.alive && message.why !== '' ? message.why : undefined;
      }
      judgeOne(host);
      return true;
    },
    forget(host) {
      signs.delete(host);
      for (const known of [order, unheard, unsettled]) known.delete(host);
      dials.delete(host);
      reasons.delete(host);
    },
    lastHeardMs: () => (signs.size === 0 ? undefined : lastHeardMs),
  };
}
