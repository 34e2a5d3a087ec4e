/**
 * Effects: makes this host's networks as planned, on the Engine and in the kernel, and repairs them when they differ. One change at a time for
 * each network; every pass observes (observe.ts), plans (plan.ts) and acts (steps.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeyed } from '../../async/keyed.ts';
import { singleFlight } from '../../async/single-flight.ts';
import { ArpanetError, isKind } from '../../model/errors.ts';
import type { MaterialisedNetwork, NetworkPlan } from '../../model/facts.ts';
import type { EngineTarget } from '../../engine/request.ts';
import type { Logger } from '../../telemetry/log.ts';
import { differencesOf } from './differences.ts';
import { observe, readNetworks, readUnderlay } from './observe.ts';
import { createNarrower } from './narrow.ts';
import {
  bridgeOf,
  chosen,
  isOwnDoing,
  leftovers,
  type NetworkTouch,
  type Observed,
  type ObservedNetwork,
  type Step,
  stepsFor,
  type Underlay,
  vxlanOf,
  wideBridge,
} from './plan.ts';
import { applySteps, flushLearned } from './steps.ts';
import type { Tunnel } from './tunnel.ts';
import { isEncrypted, withinTunnel } from './tunnel-plan.ts';

export interface OverlayDeps {
  readonly engine: EngineTarget;
  readonly overlay: 'vxlan' | 'none';
  readonly address: string;
  readonly log: Logger;
  readonly tunnel: Pick<Tunnel, 'prepare'>;
  readonly dns: { listen(address: string, of?: string): Promise<void>; unlisten(address: string): Promise<void> };
  /** Names of the containers that run on an Engine network; the others are connected again when they start. Throws `unavailable` while the Engine is unreachable. */
  readonly usersOf: (network: { readonly engineId: string; readonly name: string }) => readonly string[];
  /** Process ids of these. */
  readonly pidsOf: (network: { readonly engineId: string; readonly name: string }) => readonly number[];
  /** The list of materialised networks has changed. */
  readonly onChange: (networks: readonly MaterialisedNetwork[]) => void;
  readonly nowMs: () => number;
}

export interface Overlay {
  networks(): readonly MaterialisedNetwork[];
  /** Makes the network now. Throws `engine` (the Engine's refusal), `unavailable`, `conflict`; then nothing of it is left. */
  materialise(plan: NetworkPlan): Promise<MaterialisedNetwork>;
  /** Removes it. Throws `conflict` while containers are on it. */
  dematerialise(network: string): Promise<void>;
  /** The leader's whole list. A network that is no longer in it is removed, unless containers are on it or it was requested within a minute. */
  setPlans(plans: readonly NetworkPlan[]): void;
  /** The plans that the last run saved: these are made, but no network is removed before a leader has sent its list. */
  restorePlans(plans: readonly NetworkPlan[]): void;
  plans(): readonly NetworkPlan[];
  /** Repairs what differs. Never throws: what fails is logged and tried again at the next pass. */
  readonly reconcile: () => Promise<void>;
  /** What exists, and in sentences what the next pass repairs. Throws `engine`, `unavailable`, `timeout`. */
  look(): Promise<Observed & { readonly differs: readonly string[] }>;
  /** The Engine says that a network came or went: the same, unless this overlay did it and knows. Never throws. */
  readonly touched: (touch: NetworkTouch) => Promise<void>;
  /** What running containers on this bridge send at most, where that was lowered; in bytes. */
  readonly mtuOn: (bridge: string) => number | undefined;
  /** Lowers it for those that have just started, too. */
  readonly containersChanged: () => Promise<void>;
  /** Drops what the kernel learned about where this network's addresses are: an instance has moved. */
  flush(network: string): Promise<void>;
}

/** A network requested by a command may be missing from a list of plans that was made before it. */
const GRACE_MS = 60_000;
const MAKE_TRIES = 4;
const MAKE_AGAIN_MS = 300;

export function createOverlay(deps: OverlayDeps, signal: AbortSignal): Overlay {
  const { engine, overlay, log, dns } = deps;
  const plans = new Map<string, NetworkPlan>();
  const askedAtMs = new Map<string, number>();
  const present = new Map<string, MaterialisedNetwork>();
  const keyed = createKeyed();
  const underWay = new Set<Promise<unknown>>();
  const narrower = createNarrower();
  let underlay: Underlay | undefined;
  let isListComplete = false;
  let hasEncrypted = false;

  /** One after the other for each network. */
  const exclusively = <T>(network: string, work: () => Promise<T>): Promise<T> => {
    const run = keyed.serial(network, work);
    const ended: Promise<unknown> = run.catch(() => undefined).finally(() => underWay.delete(ended));
    underWay.add(ended);
    return run;
  };
  const listed = (): readonly MaterialisedNetwork[] =>
    [...present.values()].map((found) => (plans.has(found.network) ? found : { ...found, isLeaving: true }));
  /** Whether a network here is leaving is a fact that the leader waits for: it is reported when a plan comes or goes. */
  const withPlan = (plan: NetworkPlan): void => {
    const wasLeaving = present.has(plan.network) && !plans.has(plan.network);
    plans.set(plan.network, plan);
    if (wasLeaving) deps.onChange(listed());
  };
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

  /** Under the network's lock. Tries twice: the second look shows what somebody else changed during the first. */
  const converge = async (plan: NetworkPlan): Promise<MaterialisedNetwork> => {
    const made = await buildUp(plan).catch((error: unknown) => {
      if (signal.aborted) throw error;
      log.debug({ network: plan.name, err: error }, 'a network changed meanwhile; trying again');
      return buildUp(plan);
    });
    if (plan.driver === undefined) await dns.listen(made.gateway, plan.cidr);
    note(plan.network, made);
    return made;
  };

  /** Throws `unsupported` where this host cannot encrypt: the network is not made. */
  const prepareTunnel = async (outside: Underlay | undefined): Promise<void> => {
    if (outside !== undefined) await deps.tunnel.prepare([...plans.values()], outside);
  };

  const buildUp = async (plan: NetworkPlan): Promise<MaterialisedNetwork> => {
    const only = { network: plan.network, device: vxlanOf(plan.vni) };
    const outside = await readyUnderlay();
    if (isEncrypted(plan)) await prepareTunnel(outside);
    const found = await observe(engine, signal, overlay, only);
    const [inside, base] = withinTunnel(plan, outside);
    const steps = stepsFor(inside, found, base, usersOf);
    if (steps.length > 0) log.info({ network: plan.name, steps: steps.map((step) => step.do) }, 'repairing a network');
    const created = await apply(steps);
    const kept = chosen(inside, found, base, usersOf) ?? { engineId: created ?? '', gateway: plan.gateway };
    return { network: plan.network, engineId: kept.engineId, gateway: kept.gateway };
  };

  const dismantle = async (network: string, vni = plans.get(network)?.vni): Promise<void> => {
    const found = await observe(engine, signal, overlay);
    const ours = found.networks.filter((each) => each.network === network);
    const names = ours.flatMap((each) => deps.usersOf(each));
    if (names.length > 0)
      throw new ArpanetError('conflict', `network ${ours[0]?.name ?? network} still has containers here: ${names.join(', ')}`);
    const bridges = new Set(ours.map(({ bridge }) => bridge));
    const devices = found.vxlans.filter((device) => device.vni === vni || bridges.has(device.master));
    const gone = new Set(devices.map(({ device }) => device));
    await apply([
      ...devices.map(({ device }) => ({ do: 'remove-vxlan' as const, device })),
      ...(found.kept ?? []).flatMap((one) => (gone.has(one.device) ? [{ do: 'release-local' as const, ...one }] : [])),
      ...ours.map(({ engineId, name }) => ({ do: 'remove-network' as const, engineId, name })),
    ]);
    const gateways = new Set([...ours.map(({ gateway }) => gateway), present.get(network)?.gateway]);
    for (const gateway of gateways) if (gateway !== undefined) await dns.unlisten(gateway);
    note(network, undefined);
  };

  /** A network that could not be made leaves nothing behind. */
  const discard = async ({ network, vni }: NetworkPlan): Promise<void> => {
    plans.delete(network);
    askedAtMs.delete(network);
    await dismantle(network, vni).catch((err: unknown) => log.debug({ network, err }, 'cannot remove a half-made network'));
  };

  const forget = async (network: string): Promise<void> => {
    // The plan goes first: if the Engine is unreachable now, the next pass finds a network without a plan.
    const vni = plans.get(network)?.vni;
    plans.delete(network);
    askedAtMs.delete(network);
    await dismantle(network, vni);
  };

  const make = (plan: NetworkPlan): Promise<MaterialisedNetwork> =>
    exclusively(plan.network, async () => {
      const before = plans.get(plan.network);
      withPlan(plan);
      askedAtMs.set(plan.network, deps.nowMs());
      try {
        return await converge(plan);
      } catch (error) {
        if (before === undefined && plans.get(plan.network) === plan) await discard(plan);
        throw error;
      }
    });

  /**
   * In the cluster a name and a subnet belong to one network. Another of our networks with this name, or one that is not in the leader's list,
   * was removed while this host was down; it is removed here. True if there was any.
   */
  const clearTheWay = async ({ network, name }: NetworkPlan): Promise<boolean> => {
    const others = (await readNetworks(engine, signal)).filter((other) => other.network !== network);
    const dead = others.filter((other) => other.name === name || (isListComplete && !plans.has(other.network) && usersOf(other) === 0));
    for (const other of dead) await exclusively(other.network, () => forget(other.network));
    return dead.length > 0;
  };

  /** Containers that run in a network from before a narrower host joined. Where it cannot be done, doctor and audit name the network. */
  const keepNarrow = async (plan: NetworkPlan, found: Observed): Promise<void> => {
    const [inside, base] = withinTunnel(plan, underlay);
    const wide = wideBridge(inside, found, base, usersOf);
    if (wide === undefined) return narrower.forget(bridgeOf(plan.vni));
    const { network, mtu } = wide;
    await narrower.narrow({ bridge: network.bridge, mtu, pids: deps.pidsOf(network) }).catch((err: unknown) => {
      if (!signal.aborted) log.warn({ network: plan.name, mtu, err }, 'cannot lower the MTU of running containers');
    });
  };

  const isFresh = (network: string): boolean => deps.nowMs() - (askedAtMs.get(network) ?? -Infinity) < GRACE_MS;

  const onePass = async (): Promise<void> => {
    if (overlay === 'vxlan') underlay = await readUnderlay(deps.address);
    const wasEncrypted = hasEncrypted;
    hasEncrypted = [...plans.values()].some(isEncrypted);
    // after the last of them its peers are removed
    if (hasEncrypted || wasEncrypted)
      await prepareTunnel(underlay).catch((err: unknown) => log.warn({ err }, 'cannot encrypt networks; they do not reach other hosts'));
    const found = await observe(engine, signal, overlay);
    for (const plan of plans.values()) {
      const [inside, base] = withinTunnel(plan, underlay);
      const isRight = present.has(plan.network) && stepsFor(inside, found, base, usersOf).length === 0;
      if (isRight) continue;
      await exclusively(plan.network, async () => plans.get(plan.network) === plan && converge(plan)).catch((err: unknown) => {
        if (!signal.aborted) log.warn({ network: plan.name, err }, 'cannot repair a network');
      });
    }
    for (const plan of plans.values()) await keepNarrow(plan, found);
    if (!isListComplete) return;
    const planned = new Set(plans.keys());
    const stale = leftovers(planned, new Set([...plans.values()].map(({ vni }) => vni)), found, usersOf);
    const gone = new Set(
      found.networks
        .filter(({ engineId }) => stale.some((step) => step.do === 'remove-network' && step.engineId === engineId))
        .map(({ network }) => network),
    );
    for (const network of gone)
      await exclusively(network, async () => {
        if (!plans.has(network)) await dismantle(network);
      });
    await apply(stale.filter((step) => step.do === 'remove-vxlan' || step.do === 'release-local'));
  };

  const reconcile = singleFlight(() =>
    onePass().catch((err: unknown) => {
      if (!signal.aborted) log.warn({ err }, 'cannot read the networks of this host');
    }),
  );

  return {
    networks: listed,
    async materialise(plan) {
      for (let tries = 1; ; tries++) {
        try {
          return await make(plan);
        } catch (error) {
          const isRefused = isKind(error, 'engine') && (error.engineStatus === 409 || error.engineStatus === 403);
          if (!isRefused || tries === MAKE_TRIES) throw error;
          // The conflict may be this agent's own request from before it was killed, which the Engine carries out only now.
          if (!(await clearTheWay(plan))) await sleep(MAKE_AGAIN_MS, undefined, { signal });
        }
      }
    },
    dematerialise: (network) => exclusively(network, () => forget(network)),
    setPlans(all) {
      isListComplete = true;
      const listed = new Set(all.map(({ network }) => network));
      for (const network of plans.keys()) if (!listed.has(network) && !isFresh(network)) plans.delete(network);
      for (const plan of all) withPlan(plan);
    },
    restorePlans(kept) {
      for (const plan of kept) plans.set(plan.network, plan);
    },
    plans: () => [...plans.values()],
    reconcile,
    async look() {
      const [base, found] = await Promise.all([readyUnderlay(), observe(engine, signal, overlay)]);
      const differs = [...plans.values()].flatMap((plan) => {
        const [inside, within] = withinTunnel(plan, base);
        return differencesOf(plan.name, stepsFor(inside, found, within, usersOf), found);
      });
      return { ...found, differs };
    },
    async touched(touch) {
      // what this overlay does now it notes at its end
      await Promise.all(underWay);
      if (!isOwnDoing(touch, [...present.values()], [...plans.keys()])) await reconcile();
    },
    mtuOn: narrower.mtuOn,
    containersChanged: async () => (narrower.isActive() ? reconcile() : undefined),
    flush: (network) =>
      exclusively(network, async () => {
        const plan = plans.get(network);
        if (overlay === 'none' || plan === undefined) return;
        await flushLearned(vxlanOf(plan.vni));
      }),
  };
}
