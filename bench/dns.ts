/** DNS answers per second at the agent, beside Consul's own DNS and dnsmasq with the same names, by dnsperf. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createDns } from '../src/dns/index.ts';
import { endProcess, must, runProgram, until } from '../test/support/cluster/cluster.ts';
import { startConsul } from '../test/support/servers/consul.ts';
import { freePort } from '../test/support/cluster/free-ports.ts';
import { dig } from '../test/support/cluster/dig.ts';
import { instance, nameTable } from '../test/support/fakes/literal-names.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

const ROUNDS = 5;
const SERVICES = ['web', 'auth', 'catalogue', 'pricing', 'redis'];
/** Three of each: as many as Consul gives at most. */
const instances = SERVICES.flatMap((service, block) =>
  [1, 2, 3].map((number) => instance(`${number}.${service}.abc`, { abc: `10.32.${block}.${number}` })),
);
// dnsperf asks from 127.0.0.1: a known asker, as every container is.
const asker = instance('1.asker.abc', { abc: '127.0.0.1' });

export async function run(): Promise<readonly BenchRow[]> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-dns-'));
  const [port, masqPort] = [await freePort(), await freePort()];
  const dns = createDns({ port, upstream: [], log: pino({ level: 'silent' }), now: Date.now });
  const consul = await startConsul();
  await register(consul.http);
  await writeFile(join(dir, 'hosts'), instances.map((each) => `${each.addresses['abc']} ${each.service}.abc.service.consul\n`).join(''));
  const masq = [
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--local=/consul/',
    '--bind-interfaces',
  ];
  masq.push('--user=root', '--pid-file=', '--listen-address=127.0.0.1', `--port=${masqPort}`, `--addn-hosts=${join(dir, 'hosts')}`);
  const dnsmasq = spawn('env', masq, { stdio: 'ignore' });
  try {
    dns.table(nameTable(...instances, asker));
    await dns.listen('127.0.0.1');
    for (const server of [port, consul.dns, masqPort])
      for (const service of SERVICES)
        await until(`${service} is known`, async () => (await dig({ port: server }, `${service}.abc.service.consul`)).answers.length === 3);
    const short = join(dir, 'a');
    const mixed = join(dir, 'mixed');
    const line = (type: string) => (service: string) => `${service}.abc.service.consul ${type}\n`;
    await writeFile(short, SERVICES.map(line('A')).join(''));
    await writeFile(mixed, SERVICES.flatMap((service) => [line('A')(service), line('AAAA')(service)]).join(''));
    const row = async (work: string, beside: string, file: string, theirPort: number, reach: string): Promise<BenchRow> => {
      const rate = (server: number) => () => answersPerSecond(server, file);
      return { work, beside, unit: 'answers/s', reach, ...(await inTurns(ROUNDS, { ours: rate(port), theirs: rate(theirPort) })) };
    };
    return [
      await row('DNS answers at the agent', 'Consul’s own DNS', short, consul.dns, '≥ 1.5×'),
      await row('DNS answers at the agent, A and AAAA', 'Consul’s own DNS', mixed, consul.dns, '≥ 1.5×'),
      await row('DNS answers at the agent', 'dnsmasq', short, masqPort, '–'),
    ];
  } finally {
    await Promise.all([dns.close(), consul.stop(), endProcess(dnsmasq)]);
    await rm(dir, { recursive: true, force: true });
  }
}

async function answersPerSecond(port: number, file: string): Promise<number> {
  const out = await must(runProgram('dnsperf', ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', '2', '-q', '100']));
  const lost = /Queries lost:\s+(\d+)/.exec(out)?.[1];
  const rate = /Queries per second:\s+([\d.]+)/.exec(out)?.[1];
  if (rate === undefined || lost !== '0' || !/Response codes:\s+NOERROR \d+ \(100/.test(out)) throw new Error(`dnsperf on ${port}: ${out}`);
  return Number(rate);
}

/** As the registrar does: tags of one service for each deployment. */
async function register(consul: string): Promise<void> {
  for (const { id, service, name, addresses } of instances) {
    const Service = { ID: `${id}.dns`, Service: 'abc', Tags: [service, id, name], Address: addresses['abc'], Port: 80 };
    const body = JSON.stringify({ Node: 'arpanet-h1', Address: '127.0.0.1', Service });
    const { ok, status } = await fetch(`http://${consul}/v1/catalog/register`, { method: 'PUT', body });
    if (!ok) throw new Error(`Consul refuses ${id}: ${status}`);
  }
}
