/** Effects: carries out the steps of plan.ts, on the Engine and with `ip` and `bridge`. */
import { isKind } from '../../model/errors.ts';
import { engineJson, type EngineTarget } from '../../engine/request.ts';
import { joinBridge } from './bridge-ports.ts';
import { FLOOD_MAC, hasVxlan, readLearned } from './observe.ts';
import { createBody, type Step } from './plan.ts';
import { run } from './run.ts';
import { INNER_PORT, VXLAN_PORT } from '../../model/ingress.ts';

const TIMEOUT_MS = 30_000;

/**
 * Carries out all steps; resolves with the id of the Docker network that was created, if any. The Engine is slow, so the kernel's part is done
 * meanwhile. Throws `engine`, `unavailable`, `timeout`.
 */
export async function applySteps(engine: EngineTarget, steps: readonly Step[], signal: AbortSignal): Promise<string | undefined> {
  const of = (...kinds: readonly Step['do'][]): readonly Step[] => steps.filter((step) => kinds.includes(step.do));
  const ip = (some: readonly Step[]): Promise<unknown> => batch('ip', some.flatMap(linkLines));
  const onKernel = async (): Promise<void> => {
    for (const step of of('keep-local', 'release-local')) await keepLocal(step);
    for (const step of steps) if (step.do === 'remove-vxlan') await gone(run('ip', ['link', 'del', step.device]));
    await ip(of('make-bridge', 'address-bridge', 'add-vxlan'));
    await batch('bridge', (await Promise.all(of('add-peer', 'remove-peer').map(fdbLines))).flat());
  };
  const onEngine = async (): Promise<string | undefined> => {
    let created: string | undefined;
    for (const step of steps) {
      if (step.do === 'remove-network') await removeNetwork(engine, step.engineId, signal);
      if (step.do === 'create-network') {
        const call = { method: 'POST', path: '/networks/create', body: createBody(step.plan, step.mtu), signal, timeoutMs: TIMEOUT_MS };
        created = (await engineJson<{ Id: string }>(engine, call)).Id;
      }
    }
    return created;
  };
  // both have ended before anybody tries again, or the kernel would still make what the next attempt makes
  const [ofEngine, ofKernel] = await Promise.allSettled([onEngine(), onKernel()]);
  for (const part of [ofEngine, ofKernel]) if (part.status === 'rejected') throw part.reason as Error;
  const created = ofEngine.status === 'fulfilled' ? ofEngine.value : undefined;
  await ip(of('route-bridge', 'drop-own', 'call-from', 'attach-vxlan'));
  for (const step of steps) if (step.do === 'make-bridge') await joinBridge(engine, step, signal);
  return created;
}

/** Drops the learned addresses of a VXLAN device and of its bridge port: the next frame is flooded, and they are learned again. Throws `unavailable`. */
export async function flushLearned(device: string): Promise<void> {
  if (!(await hasVxlan(device))) return;
  const learned = await readLearned(device);
  await run('ip', ['link', 'set', 'dev', device, 'type', 'bridge_slave', 'fdb_flush']);
  await run('bridge', ['-force', '-batch', '-'], learned.map(({ mac, peer }) => `fdb del ${mac} dev ${device} dst ${peer}`).join('\n'));
}

async function removeNetwork(engine: EngineTarget, engineId: string, signal: AbortSignal): Promise<void> {
  try {
    await engineJson(engine, { method: 'DELETE', path: `/networks/${engineId}`, signal, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!(isKind(error, 'engine') && error.engineStatus === 404)) throw error;
  }
}

async function batch(command: 'ip' | 'bridge', lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run(command, ['-batch', '-'], lines.join('\n'));
}

/** What the bridge itself sends is in ebtables' chain OUTPUT: ARP's answers, and those of IPv6's neighbour discovery (RFC 4861 section 7.2.4: from the address asked for). */
async function keepLocal(step: Step): Promise<void> {
  if (step.do !== 'keep-local' && step.do !== 'release-local') return;
  const source = step.source.includes(':') ? ['-p', 'IPv6', '--ip6-src', step.source] : ['-p', 'ARP', '--arp-ip-src', step.source];
  const rule = ['OUTPUT', '-o', step.device, ...source, '-j', 'DROP'];
  if (step.do === 'keep-local') await run('ebtables', ['--concurrent', '-A', ...rule]);
  else await gone(run('ebtables', ['--concurrent', '-D', ...rule]));
}

/** What `ip` and `ebtables` (legacy and nft) say of a device or a rule that does not exist. */
const NO_SUCH = /Cannot find device|does a matching rule exist|rule does not exist/;

/** A removal of what somebody else has removed meanwhile is done: two passes may come to the same. */
async function gone(removal: Promise<string>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!isKind(error, 'unavailable') || !NO_SUCH.test(error.message)) throw error;
  });
}

function linkLines(step: Step): readonly string[] {
  if (step.do === 'drop-own') return [`addr del ${step.own}/32 dev ${step.bridge}`];
  if (step.do === 'call-from') {
    const { bridge, cidr, own } = step;
    return [`addr replace ${own}/32 dev ${bridge}`, `route replace ${cidr} dev ${bridge} proto kernel scope link src ${own}`];
  }
  if (step.do === 'make-bridge') return [`link add ${step.bridge}${step.mtu === undefined ? '' : ` mtu ${step.mtu}`} type bridge`];
  if (step.do === 'address-bridge') {
    const flags = step.withRoute ? 'brd +' : 'brd + noprefixroute';
    return [
      ...step.addresses.map((address) => `addr replace ${address} ${address.includes(':') ? '' : flags} dev ${step.bridge}`),
      `link set ${step.bridge} up`,
    ];
  }
  if (step.do === 'route-bridge') return [`route replace ${step.cidr} dev ${step.bridge} proto kernel scope link src ${step.from}`];
  if (step.do === 'attach-vxlan') return [`link set ${step.device} mtu ${step.mtu} master ${step.bridge} up`];
  if (step.do !== 'add-vxlan') return [];
  const { address, link, isTunnel } = step.underlay;
  // No outer UDP checksum (RFC 7348 section 5: it should be zero): the inner packets have their own, and to add one up twice costs throughput.
  return [
    isTunnel === true
      ? `link add ${step.device} type vxlan id ${step.vni} local ${address} dstport ${INNER_PORT} ageing 60 udp6zerocsumtx udp6zerocsumrx`
      : `link add ${step.device} type vxlan id ${step.vni} local ${address} dev ${link} dstport ${VXLAN_PORT} ageing 60 noudpcsum`,
    `link set ${step.device} addrgenmode none`,
  ];
}

/** The addresses learned from a peer are removed with it: frames for an instance that moved would still be sent there. */
async function fdbLines(step: Step): Promise<readonly string[]> {
  if (step.do === 'add-peer') return [`fdb append ${FLOOD_MAC} dev ${step.device} dst ${step.peer}`];
  if (step.do !== 'remove-peer') return [];
  const learned = (await readLearned(step.device)).filter(({ peer }) => peer === step.peer);
  return [FLOOD_MAC, ...learned.map(({ mac }) => mac)].map((mac) => `fdb del ${mac} dev ${step.device} dst ${step.peer}`);
}
