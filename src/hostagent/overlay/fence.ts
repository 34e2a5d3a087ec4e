/**
 * Effects: drops overlay packets from and to lost hosts, with `iptables`, until the containers that were replaced elsewhere are removed from
 * them. The rules stay when the agent stops; after a reboot they are made again from the file, and after a firewall's reload at the next pass.
 */
import { VXLAN_PORT } from '../../model/ingress.ts';
import type { Logger } from '../../telemetry/log.ts';
import { agentFiles } from '../../schemas/index.ts';
import { createKeyed } from '../../async/keyed.ts';
import { writeDurably } from '../../files/durable-file.ts';
import { readJsonFile } from '../json-file.ts';
import { run } from './run.ts';

const MARK = 'arpanet-lost';
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
  /** Puts back rules that somebody removed. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** Lost hosts whose packets are not dropped, in sentences. Throws `unavailable`. */
  readonly differences: () => Promise<readonly string[]>;
}

interface Rule {
  readonly chain: string;
  readonly side: string;
  readonly address: string;
}

export function createFence(overlay: 'vxlan' | 'none', file: string, log: Logger): Fence {
  const keyed = createKeyed();
  let wanted: readonly string[] = [];
  /** What is on disk, and in the kernel as far as nobody else changes it. */
  let applied: string | undefined;
  let failure: string | undefined;

  /** The rules that are missing, and those that should not exist. */
  async function compare(): Promise<{ readonly missing: readonly Rule[]; readonly surplus: readonly Rule[] }> {
    const present = rulesIn(await run('iptables', ['-w', '5', '-S']));
    const rules = CHAINS.flatMap(([chain, side]) => wanted.map((address): Rule => ({ chain, side, address })));
    const has = (all: readonly Rule[], { chain, address }: Rule): boolean =>
      all.some((one) => one.chain === chain && one.address === address);
    return { missing: rules.filter((rule) => !has(present, rule)), surplus: present.filter((rule) => !has(rules, rule)) };
  }
  /** How many rules were missing. */
  async function apply(): Promise<number> {
    const { missing, surplus } = await compare();
    for (const rule of missing) await run('iptables', ['-w', '5', '-I', ...textOf(rule)]);
    for (const rule of surplus) await run('iptables', ['-w', '5', '-D', ...textOf(rule)]);
    return missing.length;
  }
  async function change(addresses: readonly string[]): Promise<void> {
    const text = addresses.toSorted().join();
    if (text === applied) return;
    applied = undefined;
    wanted = [...new Set(addresses)];
    await apply();
    await writeDurably(file, JSON.stringify(wanted)).catch((err: unknown) => log.error({ file, err }, 'cannot write'));
    applied = text;
  }
  function set(addresses: readonly string[]): Promise<void> {
    if (overlay === 'none') return Promise.resolve();
    return keyed.serial('fence', () => change(addresses));
  }
  async function pass(): Promise<void> {
    if (wanted.length === 0) return;
    const missing = await apply();
    failure = undefined;
    if (missing > 0) log.warn({ rules: missing }, 'somebody removed the rules that drop the overlay packets of lost hosts: they are back');
  }
  return {
    set,
    async restore() {
      const addresses = readJsonFile(file, FILE_KIND, log) ?? [];
      if (addresses.length > 0) await set(addresses);
    },
    reconcile: () =>
      keyed.serial('fence', pass).catch((err: unknown) => {
        const why = err instanceof Error ? err.message : String(err);
        if (why !== failure) log.error({ err }, 'cannot drop the overlay packets of lost hosts');
        failure = why;
      }),
    async differences() {
      if (wanted.length === 0) return [];
      const { missing } = await compare();
      return [...new Set(missing.map(({ address }) => `overlay packets of the lost host at ${address} are not dropped`))];
    },
  };
}

function textOf({ chain, side, address }: Rule): readonly string[] {
  return [
    chain,
    side,
    `${address}/32`,
    '-p',
    'udp',
    '-m',
    'udp',
    '--dport',
    String(VXLAN_PORT),
    '-m',
    'comment',
    '--comment',
    MARK,
    '-j',
    'DROP',
  ];
}

/** Our rules in the output of `iptables -S`. */
function rulesIn(text: string): readonly Rule[] {
  return text.split('\n').flatMap((line): readonly Rule[] => {
    const [, chain, side, address] = (line.includes(MARK) && /^-A (\S+) .*?(-[sd]) ([\d.]+)\/32/.exec(line)) || [];
    return chain === undefined || side === undefined || address === undefined ? [] : [{ chain, side, address }];
  });
}
