/**
 * Effects: the WireGuard interfaces that encrypted networks go through: in the kernel, or by a wireguard-go process where the kernel has none; with `wg`, `ip` and `ip6tables`.
 * Private keys are made here, and stay in this host's folder.
 */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyed } from '../../async/keyed.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { HostTunnel, NetworkPlan, TunnelEnd } from '../../model/facts.ts';
import { INNER_PORT, TUNNEL_PORTS } from '../../model/ingress.ts';
import { agentFiles, type TunnelKey } from '../../schemas/agent-files.ts';
import { writeDurablySync } from '../../files/durable-file.ts';
import type { Logger } from '../../telemetry/log.ts';
import { readJsonFile } from '../json-file.ts';
import type { Underlay } from './plan.ts';
import { run, runJson } from './run.ts';
import {
  innerAddress,
  isEncrypted,
  type ObservedTunnel,
  peersOf,
  readDump,
  type Slot,
  SLOTS,
  slotToDrop,
  slotToMake,
  tunnelChange,
  tunnelLink,
  tunnelMtu,
} from './tunnel-plan.ts';

export interface TunnelDeps {
  readonly overlay: 'vxlan' | 'none';
  readonly address: string;
  readonly dataDir: string;
  readonly log: Logger;
  /** Since 1970. */
  readonly nowMs: () => number;
  /** The public keys are others now: they are sent to the leader. */
  readonly onKeys: (ends: readonly TunnelEnd[]) => void;
}

export interface Tunnel {
  /** What the leader tells other hosts; undefined: this host cannot encrypt. */
  readonly facts: () => Promise<HostTunnel | undefined>;
  /** Makes interfaces, peers and routes as these plans need them. Throws `unsupported` where this host cannot encrypt, and `unavailable`. */
  readonly prepare: (plans: readonly NetworkPlan[], underlay: Underlay) => Promise<void>;
}

const FILE_KIND = { schema: agentFiles.tunnel, loss: 'encrypted networks get new keys' };
const runs = (program: string): Promise<boolean> =>
  run(program, ['--version']).then(
    () => true,
    () => false,
  );
/** What leaves or comes by another link than WireGuard's is dropped. */
const GUARDS = [
  ['INPUT', '!', '-i', 'arw+'],
  ['OUTPUT', '!', '-o', 'arw+'],
] as const;

export function createTunnel(deps: TunnelDeps): Tunnel {
  const { address, log, nowMs } = deps;
  const file = join(deps.dataDir, 'tunnel.json');
  const keyed = createKeyed();
  let keys: readonly TunnelKey[] = readJsonFile(file, FILE_KIND, log) ?? [];
  let kind: Promise<HostTunnel['kind'] | undefined> | undefined;

  /** A host that cannot encrypt now is looked at again: somebody may install what is missing. */
  async function kindOf(): Promise<HostTunnel['kind'] | undefined> {
    if (deps.overlay === 'none') return undefined;
    const looking = (kind ??= findKind(tunnelLink(address, 'a')));
    const found = await looking;
    if (found === undefined && kind === looking) kind = undefined;
    return found;
  }
  const ends = (): readonly TunnelEnd[] =>
    keys.map(({ slot, publicKey: key, madeAtMs }) => ({ slot, key, port: TUNNEL_PORTS[slot], madeAtMs }));
  const keep = (now: readonly TunnelKey[]): void => {
    writeDurablySync(file, JSON.stringify(now));
    keys = now;
  };

  /** The interface exists, with its key, and is up. */
  async function ensureLink({ slot, privateKey, publicKey }: TunnelKey, underlay: Underlay): Promise<void> {
    const link = tunnelLink(address, slot);
    const up = () => run('ip', ['link', 'set', link, 'mtu', String(tunnelMtu(underlay)), 'up']);
    const printed = await run('wg', ['show', link, 'public-key']).catch(() => '');
    if (printed.trim() === publicKey) {
      await up();
      return;
    }
    if (printed === '') {
      if ((await kindOf()) === 'wireguard') await run('ip', ['link', 'add', link, 'type', 'wireguard']);
      else await startProcess(link);
    }
    // Node's end of a pipe is a socket, which /dev/stdin does not open
    const set = 'cat | wg set "$1" listen-port "$2" private-key /dev/stdin';
    await run('sh', ['-c', set, 'sh', link, String(TUNNEL_PORTS[slot])], `${privateKey}\n`);
    await up();
  }
  async function guard(): Promise<void> {
    for (const at of GUARDS) {
      const rule = [...at, '-p', 'udp', '-m', 'udp', '--dport', String(INNER_PORT), '-j', 'DROP'];
      await run('ip6tables', ['-w', '5', '-t', 'mangle', '-C', ...rule]).catch(() =>
        run('ip6tables', ['-w', '5', '-t', 'mangle', '-I', ...rule]),
      );
    }
  }
  async function observe(): Promise<ObservedTunnel> {
    const links: Partial<Record<Slot, ReturnType<typeof readDump>>> = {};
    for (const { slot } of keys) links[slot] = readDump(await run('wg', ['show', tunnelLink(address, slot), 'dump']));
    const found = await runJson<{ dst: string; dev?: string }>('ip', ['-6', '-j', 'route', 'show']);
    const own = SLOTS.map((slot) => tunnelLink(address, slot));
    const routes = new Map(
      found.flatMap(({ dst, dev = '' }) => (own.includes(dev) && dst.startsWith('fd61:') ? [[dst, dev] as const] : [])),
    );
    return { links, routes };
  }
  async function remove(slot: Slot): Promise<void> {
    await run('ip', ['link', 'del', tunnelLink(address, slot)]);
    keep(keys.filter((key) => key.slot !== slot));
    log.info({ slot }, 'the older keys of encrypted networks are gone');
  }
  async function pass(plans: readonly NetworkPlan[], underlay: Underlay): Promise<void> {
    if ((await kindOf()) === undefined) throw new ArpanetError('unsupported', MISSING);
    const peers = peersOf(plans.filter(isEncrypted));
    const making = slotToMake(ends(), peers, nowMs());
    if (making !== undefined) keep([...keys, newKey(making, nowMs())]);
    await guard();
    await run('ip', ['addr', 'replace', `${innerAddress(address)}/128`, 'dev', 'lo']);
    for (const key of keys) await ensureLink(key, underlay);
    const { sets, lines } = tunnelChange({ address, ends: ends() }, peers, await observe());
    for (const args of sets) await run('wg', ['set', ...args]);
    if (lines.length > 0) await run('ip', ['-6', '-batch', '-'], lines.join('\n'));
    const dropping = slotToDrop({ address, ends: ends() }, peers, await observe(), nowMs());
    if (dropping !== undefined) await remove(dropping);
    if (making !== undefined || dropping !== undefined) deps.onKeys(ends());
  }
  return {
    async facts() {
      const which = await kindOf();
      if (which === undefined) return undefined;
      if (keys.length === 0) keep([newKey('a', nowMs())]);
      return { kind: which, ends: ends() };
    },
    prepare: (plans, underlay) => keyed.serial('tunnel', () => pass(plans, underlay)),
  };
}

const MISSING =
  'this host cannot encrypt a network: its kernel has no WireGuard, and wireguard-go (with /dev/net/tun) or wg is missing: apt-get install wireguard-go wireguard-tools';

/** It goes on when the agent ends: under systemd, outside of the agent's control group. */
async function startProcess(link: string): Promise<void> {
  const inScope = ['--scope', '--quiet', '--collect', `--unit=arpanet-${link}`, 'wireguard-go', link];
  if (existsSync('/run/systemd/system')) await run('systemd-run', inScope);
  // not in the group of the shell, which is ended with what hangs in it
  else await run('setsid', ['wireguard-go', link]);
}

/** Undefined: this host has neither. */
async function findKind(link: string): Promise<HostTunnel['kind'] | undefined> {
  if (!(await runs('wg')) || !(await runs('ip6tables'))) return undefined;
  const probe = `${link.slice(0, -1)}p`;
  await run('ip', ['link', 'del', probe]).catch(() => undefined); // of a look that did not end
  const isInKernel = await run('ip', ['link', 'add', probe, 'type', 'wireguard']).then(
    () => true,
    () => false,
  );
  if (isInKernel) {
    await run('ip', ['link', 'del', probe]).catch(() => undefined);
    return 'wireguard';
  }
  return existsSync('/dev/net/tun') && (await runs('wireguard-go')) ? 'wireguard-go' : undefined;
}

/** X25519, as WireGuard writes it: 32 octets in base64. */
function newKey(slot: Slot, madeAtMs: number): TunnelKey {
  const { d = '', x = '' } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const plain = (text: string): string => Buffer.from(text, 'base64url').toString('base64');
  return { slot, privateKey: plain(d), publicKey: plain(x), madeAtMs };
}
