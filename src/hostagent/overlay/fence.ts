/**
 * Effects: drops overlay packets from and to lost hosts, with `iptables`, until the containers that were replaced elsewhere are removed from
 * them. The rules stay when the agent stops; after a reboot they are made again from the file.
 */
import type { Logger } from '../../telemetry/log.ts';
import { agentFiles } from '../../schemas/index.ts';
import { createKeyed } from '../../async/keyed.ts';
import { writeDurably } from '../../files/durable-file.ts';
import { readJsonFile } from '../json-file.ts';
import { run } from './observe.ts';

const MARK = 'arpanet-lost';
const VXLAN_PORT = '4789';
const FILE_KIND = {
  schema: agentFiles.fence,
  loss: 'overlay packets of lost hosts are accepted until a leader is connected, which sends the list again',
};
/** Chain, and how a rule of it names the other host. */
const CHAINS = [
  ['INPUT', '-s'],
  ['OUTPUT', '-d'],
] as const;

export interface Fence {
  /** Drops the packets from and to these addresses, and no others. On disk when this resolves. Throws `unavailable` (iptables failed). */
  readonly set: (addresses: readonly string[]) => Promise<void>;
  /** The rules as they were before a reboot; to be called before the overlay is made. Throws `unavailable`. */
  readonly restore: () => Promise<void>;
}

export function createFence(overlay: 'vxlan' | 'none', file: string, log: Logger): Fence {
  const keyed = createKeyed();
  let applied: string | undefined;
  async function apply(addresses: readonly string[]): Promise<void> {
    const text = addresses.toSorted().join();
    if (text === applied) return;
    applied = undefined;
    const wanted = new Set(addresses);
    for (const [chain, side] of CHAINS) {
      const present = new Set(fencedBy(await run('iptables', ['-w', '5', '-S', chain])));
      for (const address of wanted) if (!present.has(address)) await run('iptables', ['-w', '5', '-I', chain, ...ruleOf(side, address)]);
      for (const address of present) if (!wanted.has(address)) await run('iptables', ['-w', '5', '-D', chain, ...ruleOf(side, address)]);
    }
    await writeDurably(file, JSON.stringify([...wanted])).catch((err: unknown) => log.error({ file, err }, 'cannot write'));
    applied = text;
  }
  function set(addresses: readonly string[]): Promise<void> {
    if (overlay === 'none') return Promise.resolve();
    return keyed.serial('fence', () => apply(addresses));
  }
  return {
    set,
    async restore() {
      const addresses = readJsonFile(file, FILE_KIND, log) ?? [];
      if (addresses.length > 0) await set(addresses);
    },
  };
}

function ruleOf(side: string, address: string): readonly string[] {
  return [side, `${address}/32`, '-p', 'udp', '-m', 'udp', '--dport', VXLAN_PORT, '-m', 'comment', '--comment', MARK, '-j', 'DROP'];
}

/** The addresses in our rules, from the output of `iptables -S`. */
function fencedBy(rules: string): readonly string[] {
  return rules.split('\n').flatMap((rule) => (rule.includes(MARK) ? (/-[sd] ([\d.]+)\/32/.exec(rule)?.[1] ?? []) : []));
}
