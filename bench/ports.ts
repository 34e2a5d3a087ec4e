/** A change of one service's instances where 1,000 services of ten have a published port: what a host does, beside loading its whole table, as kube-proxy's first nft mode did. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { changedIngress, chainsFor, type HostIngress, ingressRules } from '../src/hostagent/ingress/rules.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

const ROUNDS = 7;
const [SERVICES, INSTANCES] = [1_000, 10];

const port = (service: number, running: number): HostIngress['ports'][number] => ({
  port: 10_000 + service,
  protocol: 'tcp',
  instances: Array.from({ length: running }, (_one, n) => ({
    host: n < 2 ? 'h1' : `h${n}`,
    at: `10.9.0.${n + 1}`,
    address: `10.32.${service % 250}.${n + 1}`,
    target: 80,
  })),
});
/** As an agent has them: what did not change is the same object. */
const others = Array.from({ length: SERVICES - 1 }, (_, index) => port(index + 1, INSTANCES));
const table = (running: number, version: string): HostIngress => ({
  family: 4,
  host: 'h1',
  hosts: [],
  subnets: ['10.32.0.0/22'],
  version,
  ports: [port(0, running), ...others],
});

async function ended(command: string, args: readonly string[], input = ''): Promise<void> {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(input);
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}`);
}

export async function run(): Promise<readonly BenchRow[]> {
  const space = `arpbench${process.pid}`;
  const nft = (rules: string): Promise<void> => ended('ip', ['netns', 'exec', space, 'nft', '-f', '-'], rules);
  const timed = async (make: () => string): Promise<number> => {
    const began = performance.now();
    await nft(make());
    return performance.now() - began;
  };
  await ended('ip', ['netns', 'add', space]);
  try {
    const [all, fewer] = [table(INSTANCES, 'all'), table(INSTANCES - 1, 'fewer')];
    let [before, now] = [all, fewer];
    await nft(ingressRules(all));
    const rounds = await inTurns(ROUNDS, {
      ours: async () => {
        const ms = await timed(() => changedIngress(before, now, chainsFor(all)) ?? '');
        [before, now] = [now, before];
        return ms;
      },
      theirs: () => timed(() => ingressRules(before)),
    });
    return [
      {
        work: `a service’s instances change, ${SERVICES} published ports of ${INSTANCES} instances`,
        beside: 'the whole table at once',
        unit: 'ms',
        reach: '≤ 100 ms',
        ...rounds,
      },
    ];
  } finally {
    await ended('ip', ['netns', 'del', space]);
  }
}
