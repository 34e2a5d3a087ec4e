import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { createIngress } from '../../../src/hostagent/ingress/ingress.ts';
import { createKernelPorts } from '../../../src/hostagent/ingress/kernel-ports.ts';
import type { IngressPort, IngressTable } from '../../../src/model/ingress.ts';
import { fakeTools } from '../../support/fakes/kernel-tools.ts';

// the rules are what nft was given last; with a file "broken" it fails
const tools = fakeTools({
  nft: 'case "$1" in -f) [ -e "$D/broken" ] && exit 1; cat >"$D/rules" ;; list) case "$*" in *chains | *ip6*) exit 1 ;; *) cat "$D/rules" ;; esac ;; esac',
  conntrack: 'exit 0',
  iptables: 'exit 1',
  ip6tables: 'exit 1',
});

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => void socket.bind(0, '0.0.0.0', done));
  const { port } = socket.address();
  await new Promise<void>((done) => void socket.close(done));
  return port;
}

/** What is answered at once by a port of this machine, or the code of the error. */
async function called(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let said = '';
  try {
    for await (const text of socket) said += String(text);
    return said;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  }
}

describe('the rules of published ports, as an agent loads them', () => {
  before(tools.use);
  after(tools.remove);
  const log = pino({ level: 'silent' });
  const on = (address: string) => ({ host: 'h1', at: '10.9.0.1', address, target: 53 });
  const ended = () => tools.calls().filter((line) => line.startsWith('conntrack'));
  const agent = (table: IngressTable, patienceMs = 0) => {
    let value = table;
    const file = { value: () => value, save: (next: IngressTable) => void (value = next) };
    return { ...createIngress({ overlay: 'vxlan', host: 'h1', file, subnets: () => [], apis: () => [7375], patienceMs, log }), file };
  };

  it('an agent that starts again finds its rules, and ends no flow', async () => {
    const port = await freePort();
    const table: IngressTable = { ports: [{ port, protocol: 'udp', instances: [on('10.32.0.5')] }], hosts: ['10.9.0.1'] };
    const first = agent(table);
    await first.reconcile();
    assert.deepEqual(ended(), [`conntrack -D -p udp --orig-port-dst ${port}`], 'what came while there was no instance');
    const left = readFileSync(join(tools.folder, 'rules'), 'utf8');
    first.clear(); // it gives the port back, and leaves its rules
    await first.reconcile();
    tools.put('rules', left);
    tools.calls();

    const again = agent(table);
    await again.reconcile();
    assert.deepEqual(
      tools.calls().filter((line) => /^conntrack|^nft -f/.test(line)),
      [],
    );
    assert.equal(/do not answer/.test((await again.differences()).join()), false);
    again.clear();
    await again.reconcile();
    assert.doesNotMatch(readFileSync(join(tools.folder, 'rules'), 'utf8'), /10\.32\.0\.5/);
  });

  it('what nft did not take at first ends the flows to who is gone when it does', async () => {
    const port = await freePort();
    const table = (...instances: IngressPort['instances']): IngressTable => ({ ports: [{ port, protocol: 'udp', instances }], hosts: [] });
    const one = agent(table(on('10.32.0.5'), on('10.32.0.6')));
    await one.reconcile();
    tools.put('broken', '');
    one.file.save(table(on('10.32.0.6')));
    await one.reconcile();
    rmSync(join(tools.folder, 'broken'));
    tools.calls();
    await one.reconcile();
    assert.deepEqual(ended(), [`conntrack -D -p udp --orig-port-dst ${port} --reply-src 10.32.0.5`]);
  });

  it('after a reboot nobody is led by what was so before it, until a leader says so; an agent that starts again goes on', async () => {
    const port = await freePort();
    const ports: IngressPort[] = [{ port, protocol: 'udp', instances: [on('10.32.0.5')] }];
    const rules = () => readFileSync(join(tools.folder, 'rules'), 'utf8');
    rmSync(join(tools.folder, 'rules'));
    const server = createServer((socket) => socket.end('it')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: target } = server.address() as AddressInfo;
    const carried: IngressPort = { port: await freePort(), protocol: 'tcp', instances: [{ ...on('127.0.0.1'), target }] };
    const rebooted = agent({ ports: [...ports, carried], hosts: [] }, 60_000);
    await rebooted.reconcile();
    assert.equal(existsSync(join(tools.folder, 'rules')), false);
    assert.equal(await called(carried.port), 'ECONNRESET');
    const now: IngressPort[] = [{ port, protocol: 'udp', instances: [on('10.32.0.6')] }, carried];
    rebooted.take({ type: 'ingress', isWhole: true, ports: now, hosts: [] });
    await rebooted.reconcile();
    assert.equal(await called(carried.port), 'it');
    server.close();
    assert.match(rules(), /10\.32\.0\.6/);
    assert.doesNotMatch(rules(), /10\.32\.0\.5/);
    const left = rules();
    rebooted.clear();
    await rebooted.reconcile();
    tools.put('rules', left);
    const again = agent({ ports, hosts: [] }, 60_000);
    await again.reconcile();
    assert.match(rules(), /10\.32\.0\.5/, 'what it was told last');
    again.clear();
    await again.reconcile();
  });

  it('a change is one command with the elements that differ, and a look reads none of them: the same with 10 services of ten instances as with 1,000', async () => {
    const port = (number: number, running: number): IngressPort => ({
      port: number,
      protocol: 'tcp',
      instances: Array.from({ length: running }, (_, n) => ({ ...on(`10.32.0.${n + 1}`), at: `10.9.0.${n + 1}`, host: `h${n + 1}` })),
    });
    const costs = async (services: number) => {
      const subnets = ['10.32.0.0/24'];
      const kernel = createKernelPorts(4, { host: 'h1', subnets: () => [...subnets], log });
      const others = Array.from({ length: services - 1 }, (_, index) => port(10_001 + index, 10));
      const load = async (running: number, isLook = false) => {
        await kernel.load({ ports: [port(10_000, running), ...others], hosts: [] }, isLook);
        return { calls: tools.calls(), given: readFileSync(join(tools.folder, 'rules'), 'utf8').replace(/comment "\w+"/, 'comment') };
      };
      await load(10);
      const all = [await load(9), await load(10), await load(60)];
      subnets.push('10.33.0.0/24');
      all.push(await load(60));
      return [...all, await load(60, true)];
    };
    const [few, many] = [await costs(10), await costs(1_000)];
    assert.deepEqual(many, few);
    assert.deepEqual(
      many.map(({ calls }) => calls),
      [...Array.from({ length: 4 }, () => ['nft -f -']), ['nft list set ip arpanet-ingress version', 'iptables -w 5 -S DOCKER-USER']],
    );
    for (const { given } of many) assert.doesNotMatch(given, /^table/m, 'the table is not made again');
  });

  it('an agent that has just begun loads what it has before it confirms that this is in the kernel', async () => {
    const port = await freePort();
    const one = agent({ ports: [{ port, protocol: 'udp', instances: [on('10.32.0.8')] }], hosts: [] });
    tools.put('broken', '');
    await assert.rejects(one.settle(), { kind: 'unavailable' });
    rmSync(join(tools.folder, 'broken'));
    await one.settle();
    assert.match(readFileSync(join(tools.folder, 'rules'), 'utf8'), /10\.32\.0\.8/);
    one.clear();
    await one.reconcile();
  });

  it('holds no port of the cluster’s own, and says why', async () => {
    const port = (number: number, protocol: 'tcp' | 'udp') => ({ port: number, protocol, instances: [on('10.32.0.9')] });
    const own = [port(53, 'udp'), port(53, 'tcp'), port(4789, 'udp'), port(7376, 'udp'), port(7375, 'tcp')];
    const one = agent({ ports: own, hosts: [] });
    await one.reconcile();
    assert.doesNotMatch(readFileSync(join(tools.folder, 'rules'), 'utf8'), /10\.32\.0\.9/);
    assert.deepEqual(one.trouble(), [
      'the published port udp/53 is not answered: the cluster has it for DNS on every host',
      'the published port tcp/53 is not answered: the cluster has it for DNS on every host',
      'the published port udp/4789 is not answered: the cluster has it for VXLAN on every host',
      'the published port udp/7376 is not answered: the cluster has it for WireGuard on every host',
      'the published port tcp/7375 is not answered: Docker, agents, schedulers or the proxies of HTTP by name have it',
    ]);
  });
});
