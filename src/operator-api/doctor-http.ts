/** From a name by which HTTP reaches a service to the instances behind it, link by link. Pure. */
import { answering } from '../model/index.ts';
import { answersOf, broken, type Link, sound } from './doctor-link.ts';
import type { CalledSite, DoctorInput } from './doctor-targets.ts';

/** The links up to the last; each broken one with its fix. */
export function* followSite({ site, targets }: CalledSite, { hosts, findings, dialled = [] }: DoctorInput): Generator<Link> {
  const [first] = targets;
  if (first === undefined) return;
  const service = `${first.deployment}/${first.http?.canary?.of ?? first.service}`;
  const ready = answering(targets, false);
  if (ready.length === 0) yield broken('instance', `${site} is ${service}'s, and none of its instances is ready`, `arpanet ps ${service}`);
  else yield sound('answer', `${site} leads to ${ready.map((one) => `${one.name} on ${one.host}`).join(', ')}`);
  const edges = hosts.filter(({ state, http }) => state === 'alive' && http === 'edge').map(({ name }) => name);
  if (edges.length === 0)
    yield broken('host', 'no host answers HTTP', 'apt-get install haproxy on a host, and let its agent run with --http 80');
  else yield sound('host', `HTTP is answered by ${edges.join(', ')}`);
  for (const name of new Set(ready.map(({ host }) => host))) {
    const report = hosts.find((one) => one.name === name);
    if (report?.state !== 'alive')
      yield broken(
        'host',
        `host ${name} is ${report?.state ?? 'unknown'}: ${report?.why ?? 'no messages from its agent'}`,
        'is the agent running there, and does it reach a scheduler? its log says why',
      );
    else if (report.http === undefined)
      yield broken(
        'proxy',
        `host ${name} has instances of ${service} and no haproxy, so that other hosts do not reach them by HTTP`,
        `apt-get install haproxy on ${name}, and restart its agent`,
      );
    else yield sound('host', `${name} is alive`);
  }
  const touched = new Set([...edges, ...ready.map(({ host }) => host)]);
  for (const { host, what } of findings.filter((one) => one.where === 'http' && (one.host === undefined || touched.has(one.host))))
    yield broken('proxy', `${host ?? 'cluster'}: ${what}`, 'the agent tries again every 10 s, once that is repaired');
  yield sound('proxy', `the proxies of ${[...touched].join(', ')} have what they should`);
  yield* answersOf(
    dialled,
    ready,
    `${site} leads`,
    (_name, port) => `does the program listen on 0.0.0.0, and on ${port}? The label takes port=NUMBER`,
  );
}
