/**
 * Effects: makes this host's networks as planned, on the Engine and in the kernel, and keeps them so. One piece of work at a time for each
 * network; every pass observes, plans (overlay-plan.ts), acts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError, isKind } from '../../model/errors.ts';
import type { MaterialisedNetwork, NetworkPlan } from '../../model/facts.ts';
import type { EngineTarget } from '../../engine/request.ts';
import type { Logger } from '../../telemetry/log.ts';
import { observe, readNetworks, readUnderlay } from './observe.ts';
import { chosen, leftovers, type ObservedNetwork, type Step, stepsFor, type Underlay, vxlanOf } from './plan.ts';
import { applySteps, flushLearned } from './steps.ts';

export interface OverlayDeps {
  readonly engine: EngineTarget;
  readonly overlay: 'vxlan' | 'none';
  readonly address: string;
  readonly log: Logger;
  readonly dns: { listen(address: string): Promise<void>; unlisten(address: string): Promise<void> };
  /** Names of the containers, running or not, on an Engine network. Throws while that is not known. */
  readonly usersOf: (network: { readonly engineId: string; readonly name: string }) => readonly string[];
  /** The list of materialised networks has changed. */
  readonly onChange: (networks: readonly MaterialisedNetwork[]) => void;
  readonly nowMs: () => number;
}

export interface Overlay {
  networks(): readonly MaterialisedNetwork[];
  materialise(plan: NetworkPlan): Promise<MaterialisedNetwork>;
  /** Throws `conflict` while containers are on it. */
  dematerialise(network: string): Promise<void>;
  /** The leader's whole list. What it no longer names goes, unless containers are on it or it was asked for a moment ago. */
  setPlans(plans: readonly NetworkPlan[]): void;
  /** What the last run kept: they are built, but what they do not name stays until a leader has spoken. */
  restorePlans(plans: readonly NetworkPlan[]): void;
  plans(): readonly NetworkPlan[];
  /** Puts right what differs. Never throws: what fails is logged and tried again at the next pass. */
  reconcile(): Promise<void>;
  /** Forgets behind which host addresses of this network were last seen: some instance has moved. */
  flush(network: string): Promise<void>;
}

/** A network asked for by a call may be missing from a list of plans made before it. */
const GRACE_MS = 60_000;
const MAKE_TRIES = 4;
const MAKE_AGAIN_MS = 300;

export function createOverlay(deps: OverlayDeps, signal: AbortSignal): Overlay {
  const { engine, overlay, log, dns } = deps;
  const plans = new Map<string, NetworkPlan>();
  const askedAtMs = new Map<string, number>();
  const present = new Map<string, MaterialisedNetwork>();
  const busy = new Map<string, Promise<unknown>>();
  let underlay: Underlay | undefined;
  let isListComplete = false;
  let pass: Promise<void> | undefined;
  let isPassStale = false;

  /** One after the other for each network. */
  const exclusively = async <T>(network: string, work: () => Promise<T>): Promise<T> => {
    const before = busy.get(network);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return work();
    })();
    busy.set(network, mine);
    try {
      return await mine;
    } finally {
      if (busy.get(network) === mine) busy.delete(network);
    }
  };
  const listed = (): readonly MaterialisedNetwork[] =>
    [...present.values()].map((one) => (plans.has(one.network) ? one : { ...one, isLeaving: true }));
  const usersOf = (network: ObservedNetwork): number => deps.usersOf(network).length;
  const note = (network: string, now: MaterialisedNetwork | undefined): void => {
    const before = present.get(network);
    if (before?.engineId === now?.engineId && before?.gateway === now?.gateway) return;
    if (now === undefined) present.delete(network);
    else present.set(network, now);
    deps.onChange(listed());
  };
  const readyUnderlay = async (): Promise<Underlay | undefined> =>
    overlay === 'none' ? undefined : (underlay ??= await readUnderlay(deps.address));

  const apply = (steps: readonly Step[]): Promise<string | undefined> => applySteps(engine, steps, signal);

  /** Under the network's lock. A second look if the first was overtaken: what another hand changed meanwhile shows in it. */
  const converge = async (plan: NetworkPlan): Promise<MaterialisedNetwork> => {
    const made = await buildUp(plan).catch((error: unknown) => {
      if (signal.aborted) throw error;
      log.debug({ network: plan.name, err: error }, 'looking at a network again');
      return buildUp(plan);
    });
    await dns.listen(made.gateway);
    note(plan.network, made);
    return made;
  };

  const buildUp = async (plan: NetworkPlan): Promise<MaterialisedNetwork> => {
    const only = { network: plan.network, device: vxlanOf(plan.vni) };
    const [base, found] = await Promise.all([readyUnderlay(), observe(engine, signal, overlay, only)]);
    const steps = stepsFor(plan, found, base, usersOf);
    if (steps.length > 0) log.info({ network: plan.name, steps: steps.map((step) => step.do) }, 'putting a network right');
    const created = await apply(steps);
    const kept = chosen(plan, found, usersOf) ?? { engineId: created ?? '', gateway: plan.gateway };
    return { network: plan.network, engineId: kept.engineId, gateway: kept.gateway };
  };

  const dismantle = async (network: string, vni = plans.get(network)?.vni): Promise<void> => {
    const found = await observe(engine, signal, overlay);
    const ours = found.networks.filter((one) => one.network === network);
    const names = ours.flatMap((one) => deps.usersOf(one));
    if (names.length > 0)
      throw new ArpanetError('conflict', `network ${ours[0]?.name ?? network} still has containers here: ${names.join(', ')}`);
    const bridges = new Set(ours.map(({ bridge }) => bridge));
    const devices = found.vxlans.filter((one) => one.vni === vni || bridges.has(one.master));
    await apply([
      ...devices.map(({ device }) => ({ do: 'remove-vxlan' as const, device })),
      ...ours.map(({ engineId, name }) => ({ do: 'remove-network' as const, engineId, name })),
    ]);
    const gateways = new Set([...ours.map(({ gateway }) => gateway), present.get(network)?.gateway]);
    for (const gateway of gateways) if (gateway !== undefined) await dns.unlisten(gateway);
    note(network, undefined);
  };

  /** A network that could not be made leaves nothing behind. */
  const giveUp = async ({ network, vni }: NetworkPlan): Promise<void> => {
    plans.delete(network);
    askedAtMs.delete(network);
    await dismantle(network, vni).catch((err: unknown) => log.debug({ network, err }, 'could not clear away a half-made network'));
  };

  const forget = async (network: string): Promise<void> => {
    // Forgotten first: if the Engine is away just now, the next pass finds a network that no plan names.
    const vni = plans.get(network)?.vni;
    plans.delete(network);
    askedAtMs.delete(network);
    await dismantle(network, vni);
  };

  const make = (plan: NetworkPlan): Promise<MaterialisedNetwork> =>
    exclusively(plan.network, async () => {
      const before = plans.get(plan.network);
      plans.set(plan.network, plan);
      askedAtMs.set(plan.network, deps.nowMs());
      try {
        return await converge(plan);
      } catch (error) {
        if (before === undefined && plans.get(plan.network) === plan) await giveUp(plan);
        throw error;
      }
    });

  /**
   * A name, and a subnet, have one network in the cluster: another of ours by this name, or one that the leader's list does not name, was
   * removed while this host was away. Whether there was any.
   */
  const clearTheWay = async ({ network, name }: NetworkPlan): Promise<boolean> => {
    const others = (await readNetworks(engine, signal)).filter((one) => one.network !== network);
    const dead = others.filter((one) => one.name === name || (isListComplete && !plans.has(one.network) && usersOf(one) === 0));
    for (const one of dead) await exclusively(one.network, () => forget(one.network));
    return dead.length > 0;
  };

  const isFresh = (network: string): boolean => deps.nowMs() - (askedAtMs.get(network) ?? -Infinity) < GRACE_MS;

  const onePass = async (): Promise<void> => {
    if (overlay === 'vxlan') underlay = await readUnderlay(deps.address);
    const found = await observe(engine, signal, overlay);
    for (const plan of plans.values()) {
      const isRight = present.has(plan.network) && stepsFor(plan, found, underlay, usersOf).length === 0;
      if (isRight) continue;
      await exclusively(plan.network, async () => plans.get(plan.network) === plan && converge(plan)).catch((err: unknown) => {
        if (!signal.aborted) log.warn({ network: plan.name, err }, 'could not put a network right');
      });
    }
    if (!isListComplete) return;
    const planned = new Set(plans.keys());
    const stale = leftovers(planned, new Set([...plans.values()].map(({ vni }) => vni)), found, usersOf);
    const gone = new Set(
      found.networks
        .filter(({ engineId }) => stale.some((step) => step.do === 'remove-network' && step.engineId === engineId))
        .map(({ network }) => network),
    );
    for (const network of gone) await exclusively(network, async () => void (plans.has(network) || (await dismantle(network))));
    await apply(stale.filter((step) => step.do === 'remove-vxlan'));
  };

  const reconcile = async (): Promise<void> => {
    if (pass !== undefined) {
      isPassStale = true;
      return pass;
    }
    pass = (async () => {
      do {
        isPassStale = false;
        await onePass().catch((err: unknown) => {
          if (!signal.aborted) log.warn({ err }, 'could not look after the networks');
        });
      } while (isPassStale && !signal.aborted);
    })();
    await pass;
    pass = undefined;
  };

  return {
    networks: listed,
    async materialise(plan) {
      for (let tries = 1; ; tries++) {
        try {
          return await make(plan);
        } catch (error) {
          const isRefused = isKind(error, 'engine') && (error.engineStatus === 409 || error.engineStatus === 403);
          if (!isRefused || tries === MAKE_TRIES) throw error;
          // It may be our own: asked for by this agent before it died, and made by the Engine only now.
          if (!(await clearTheWay(plan))) await sleep(MAKE_AGAIN_MS, undefined, { signal });
        }
      }
    },
    dematerialise: (network) => exclusively(network, () => forget(network)),
    setPlans(all) {
      isListComplete = true;
      const listed = new Set(all.map(({ network }) => network));
      for (const network of plans.keys()) if (!listed.has(network) && !isFresh(network)) plans.delete(network);
      for (const plan of all) plans.set(plan.network, plan);
    },
    restorePlans(kept) {
      for (const plan of kept) plans.set(plan.network, plan);
    },
    plans: () => [...plans.values()],
    reconcile,
    flush: (network) =>
      exclusively(network, async () => {
        const plan = plans.get(network);
        if (overlay === 'none' || plan === undefined) return;
        await flushLearned(vxlanOf(plan.vni));
      }),
  };
}
