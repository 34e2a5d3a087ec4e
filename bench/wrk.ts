/** Requests per second by wrk, which costs less CPU than any client of ours would. */
import { must, runProgram } from '../test/support/cluster/cluster.ts';

export async function requestsPerSecond(url: string, connections: number, seconds = 2): Promise<number> {
  const out = await must(runProgram('wrk', ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s', url]));
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(out)?.[1];
  const errors = /Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1];
  if (rate === undefined || errors !== undefined) throw new Error(`wrk on ${url}: ${out}`);
  return Number(rate);
}

/** `rounds` of each in turns; who begins changes every round. */
export async function inTurns<Who extends string>(
  rounds: number,
  measures: Readonly<Record<Who, () => Promise<number>>>,
): Promise<Record<Who, number[]>> {
  const who = Object.keys(measures) as Who[];
  const result = Object.fromEntries(who.map((each) => [each, []])) as unknown as Record<Who, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < who.length; turn++) {
      const each = who[(round + turn) % who.length] as Who;
      result[each].push(await measures[each]());
    }
  }
  return result;
}
