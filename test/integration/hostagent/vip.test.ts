/** Addresses of services in the kernel of who calls: three containers on one wire, in network namespaces of this test's own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createAllow } from '../../../src/hostagent/allow/allow.ts';
import { createVips, type Vips } from '../../../src/hostagent/vip/vips.ts';
import type { ContainerFacts } from '../../../src/model/facts.ts';
import type { NamedInstance } from '../../../src/model/name-table.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { fakeTools } from '../../support/fakes/kernel-tools.ts';
import { until } from '../../support/cluster/cluster.ts';
import { promisedMs } from '../../support/promised.ts';

const VIP = '10.32.1.250';
const ADDRESS = { a: '10.32.1.11', b: '10.32.1.12', c: '10.32.1.13' } as const;
const ADDRESS6 = { a: 'fd00:1::11', b: 'fd00:1::12', c: 'fd00:1::13' } as const;
type Name = keyof typeof ADDRESS;

/** Says who it is, and who calls. */
const SERVER = `const [me] = process.argv.slice(1);
require('net').createServer({ allowHalfOpen: true }, (s) => { s.write(me + ' ' + s.remoteAddress); s.on('data', (d) => s.write(me)).on('end', () => s.end()).on('error', () => {}); if (s.localPort !== 81) return; }).listen(80, '0.0.0.0');
const u = require('dgram').createSocket('udp4').on('message', (_m, r) => u.send(me + ' ' + r.address, r.port, r.address)).bind(53, '0.0.0.0', () => console.log('up'));`;
/** Calls so many times; prints what was answered, a line each. */
const CALLER = `const [to, kind, times, from] = process.argv.slice(1);
const tcp = () => new Promise((done) => { const s = require('net').connect({ host: to, port: 80, timeout: 3000 }, () => {});
  s.on('data', (d) => { s.destroy(); done(String(d)); }).on('timeout', () => { s.destroy(); done('none'); }).on('error', (e) => done(e.code)); });
const udp = () => new Promise((done) => { const s = require('dgram').createSocket('udp4'); const over = (t) => { clearTimeout(timer); s.close(); done(t); };
  const timer = setTimeout(() => over('none'), 3000); s.on('message', (m) => over(String(m))).bind(Number(from || 0), () => s.send('x', 53, to)); });
(async () => { for (let i = 0; i < Number(times); i++) console.log(await (kind === 'tcp' ? tcp() : udp())); })();`;

/** Sends on and on from one port; prints who answers, a line each. */
const SENDER = `const [to, from] = process.argv.slice(1); const s = require('dgram').createSocket('udp4');
s.on('message', (m) => console.log(String(m))).bind(Number(from), () => setInterval(() => s.send('x', 53, to), 20));`;

describe('the address of a service in the kernel of its callers', { timeout: 300_000 }, () => {
  /** With a file "broken" nothing can be done in another's network. Of the host's own network nft says what it was given last. */
  const tools = fakeTools({
    nsenter: '[ -e "$D/broken" ] && exit 1; PATH="${PATH#*:}"; exec nsenter "$@"',
    nft: 'case "$1" in -f) cat >"$D/gate" ;; *) grep -q set "$D/gate" ;; esac',
  });
  const spaces: string[] = [];
  const processes: ChildProcess[] = [];
  const pids = new Map<Name, number>();
  const space = (name: string): string => `arpv${process.pid}${name}`;
  const sh = (script: string): void => void execFileSync('sh', ['-ec', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (name: string, words: readonly string[], input?: string): string =>
    execFileSync('nsenter', [`--net=/run/netns/${space(name)}`, ...words], { encoding: 'utf8', input });
  const call = (from: string, kind: 'tcp' | 'udp', times: number, port = 0, to: string = VIP): readonly string[] =>
    inside(from, [process.execPath, '-e', CALLER, to, kind, String(times), String(port)])
      .trim()
      .split('\n');
  const instance = (name: Name, state: NamedInstance['state'] = 'running', isBehind = true): NamedInstance => ({
    id: `1.${name}.abc`,
    container: name.repeat(64),
    name,
    deployment: 'abc',
    service: isBehind ? 'web' : name,
    number: 1,
    host: 'h1',
    addresses: { net: ADDRESS[name] },
    ...(isBehind && { vips: { net: VIP } }),
    aliases: {},
    links: {},
    ports: [],
    state,
    ready: state === 'running',
  });
  const facts = (name: Name, id: string = name.repeat(64), NetworkMode = 'net'): ContainerFacts =>
    ({ summary: { Id: id }, inspect: { Id: id, State: { Running: true, Pid: pids.get(name) }, HostConfig: { NetworkMode } } }) as never;
  /** In the network of this one, and without addresses. */
  const sidecar = (name: Name): ContainerFacts => facts(name, 'd'.repeat(64), `container:${name.repeat(64)}`);
  const started = (): Vips => {
    const vips = createVips('vxlan', 'h1', quietLog);
    vips.table([instance('a'), instance('b'), instance('c', 'running', false)]);
    vips.all([facts('a'), facts('b'), facts('c')]);
    return vips;
  };
  const led = (vips: Vips): Promise<unknown> =>
    until('all have the rules', () => Promise.resolve(Object.values(ADDRESS).every((one) => vips.leadsTo(one, VIP))));
  /** Answers of the callers are those of the instances that are ready. */
  const followed = (what: string, rules: RegExp): Promise<unknown> =>
    until(what, () => Promise.resolve(rules.test(inside('c', ['nft', 'list', 'table', 'ip', 'arpanet-vip']))));
  let vips: Vips;

  before(async () => {
    tools.use();
    for (const name of ['lan', 'a', 'b', 'c']) {
      sh(`ip netns add ${space(name)}`);
      spaces.push(space(name));
      inside(name, ['ip', 'link', 'set', 'lo', 'up']);
    }
    inside('lan', ['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    inside('lan', ['ip', 'link', 'set', 'br0', 'up']);
    for (const name of ['a', 'b', 'c'] as const) {
      sh(`ip -n ${space('lan')} link add to-${name} type veth peer name eth0 netns ${space(name)}
        ip -n ${space('lan')} link set to-${name} master br0 up
        ip -n ${space(name)} addr add ${ADDRESS6[name]}/64 dev eth0 nodad
        ip -n ${space(name)} addr add ${ADDRESS[name]}/24 dev eth0; ip -n ${space(name)} link set eth0 up`);
      const server = spawn('nsenter', [`--net=/run/netns/${space(name)}`, process.execPath, '-e', SERVER, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      processes.push(server);
      await new Promise((resolve) => server.stdout.once('data', resolve));
      pids.set(name, server.pid ?? 0);
    }
    vips = started();
    await led(vips);
  });
  after(() => {
    for (const one of processes) one.kill('SIGKILL');
    tools.remove();
    for (const name of spaces) sh(`ip netns del ${name}`);
  });

  for (const netfilter of ['0', '1'])
    it(`leads to each instance, the caller itself too, and each sees who calls; bridges pass through netfilter: ${netfilter}`, () => {
      // a kernel without br_netfilter has no such file, and the case is that of 0
      inside('lan', ['sh', '-c', `echo ${netfilter} >/proc/sys/net/bridge/bridge-nf-call-iptables || true`]);
      for (const kind of ['tcp', 'udp'] as const)
        for (const from of ['a', 'b', 'c'] as const)
          assert.deepEqual(
            [...new Set(call(from, kind, 24))].toSorted(),
            [`a ${ADDRESS[from]}`, `b ${ADDRESS[from]}`],
            `${kind} from ${from}`,
          );
    });

  it('an instance that left gets no new connection, nor what a UDP flow to it still sends; other flows and open connections go on', async () => {
    const flows = Array.from({ length: 12 }, (_, index) => 4_000 + index);
    const first = new Map(flows.map((port) => [port, call('c', 'udp', 1, port)[0]]));
    assert.equal(new Set(first.values()).size, 2, 'twelve flows lead to both');
    const open = spawn('nsenter', [
      `--net=/run/netns/${space('c')}`,
      process.execPath,
      '-e',
      `const s = require('net').connect(80, '${VIP}'); s.on('data', (d) => console.log(String(d))); process.stdin.on('data', () => s.write('x'));`,
    ]);
    processes.push(open);
    const said: string[] = [];
    open.stdout.setEncoding('utf8').on('data', (text: string) => said.push(...text.trim().split('\n')));
    await until('the connection is open', () => Promise.resolve(said.length === 1));
    const [at = ''] = (said[0] ?? '').split(' ');
    const left = at as 'a' | 'b';
    const stays = left === 'a' ? 'b' : 'a';
    // one that goes on and on, from one port
    const port = flows.find((one) => first.get(one)?.startsWith(left)) ?? assert.fail();
    const sender = [`--net=/run/netns/${space('c')}`, process.execPath, '-e', SENDER, VIP, String(port)];
    const flow = spawn('nsenter', sender, { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(flow);
    const heard: (readonly [string, number])[] = [];
    flow.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const name of text.trim().split('\n')) heard.push([name.slice(0, 1), Date.now()]);
    });
    await until('it is answered', () => heard.length > 0);
    assert.equal(heard[0]?.[0], left);
    const leftAt = Date.now();
    vips.change([instance(left, 'out')], []);
    await followed('one is left', /goto any-1/);
    await until('the flow is answered by who stays', () => heard.at(-1)?.[0] === stays);
    const lastAt = heard.findLast(([name]) => name === left)?.[1] ?? 0;
    assert.ok(lastAt < leftAt + promisedMs(1_000), `${lastAt - leftAt} ms`);
    const over = once(flow, 'exit');
    flow.kill();
    await over;
    for (const port of flows) assert.deepEqual(call('c', 'udp', 1, port), [`${stays} ${ADDRESS.c}`]);
    assert.deepEqual([...new Set(call('c', 'tcp', 12))], [`${stays} ${ADDRESS.c}`]);
    open.stdin.write('x');
    await until('the open connection is answered by the instance that left', () => Promise.resolve(said.at(-1) === left));
    vips.change([instance(left)], []);
    await followed('both are back', /goto any-2/);
    assert.equal(new Set(call('c', 'tcp', 24)).size, 2);
  });

  it('without an instance that is ready calls are refused at once', async () => {
    vips.change([instance('a', 'out'), instance('b', 'out')], []);
    await followed('nobody is left', /set empty[^}]*elements/);
    assert.deepEqual(call('c', 'tcp', 1), ['ECONNREFUSED']);
    vips.change([instance('a'), instance('b')], []);
    await followed('both are back', /goto any-2/);
    assert.equal(new Set(call('c', 'tcp', 24)).size, 2);
  });

  it('a restarted agent changes no flow to an instance that is there, and moves those to one that left meanwhile; what somebody removes is put back', async () => {
    const port = 5_000;
    const [was = ''] = call('c', 'udp', 1, port);
    const again = started();
    await led(again);
    for (let times = 0; times < 4; times++) assert.deepEqual(call('c', 'udp', 1, port), [was]);
    const left = was.startsWith('a') ? 'a' : 'b';
    const third = createVips('vxlan', 'h1', quietLog);
    third.table([
      instance('a', left === 'a' ? 'out' : 'running'),
      instance('b', left === 'b' ? 'out' : 'running'),
      instance('c', 'running', false),
    ]);
    third.all([facts('a'), facts('b'), facts('c')]);
    await led(third);
    await until('the flow is moved', () => Promise.resolve(!call('c', 'udp', 1, port)[0]?.startsWith(left)));
    inside('c', ['nft', 'delete', 'table', 'ip', 'arpanet-vip']);
    assert.match((await third.differences()).join(), /not used by container c/);
    await third.reconcile();
    assert.deepEqual(await third.differences(), []);
    assert.match(inside('c', ['nft', 'list', 'tables']), /arpanet-vip/);
    // another container in its network, which no service's address concerns
    third.changed([sidecar('c')], []);
    await third.settle();
    assert.match(inside('c', ['nft', 'list', 'tables']), /arpanet-vip/);
    // an agent that finds containers, and no service with an address: rules of before are nobody's
    const fourth = createVips('vxlan', 'h1', quietLog);
    fourth.table([instance('c', 'running', false)]);
    fourth.all([facts('c')]);
    await until('they are gone', () => !inside('c', ['nft', 'list', 'tables']).includes('arpanet-vip'));

    // after a reboot nobody is led by what was so before it, until a leader has said what is so now
    const rebooted = createVips('vxlan', 'h1', quietLog, 600_000);
    rebooted.table([instance('a'), instance('b'), instance('c', 'running', false)]);
    rebooted.all([facts('c')]);
    await rebooted.reconcile();
    assert.ok(!inside('c', ['nft', 'list', 'tables']).includes('arpanet-vip'));
    assert.equal(rebooted.settled(ADDRESS.c), undefined, 'no query waits meanwhile');
    rebooted.heard();
    await until('it is led', () => rebooted.leadsTo(ADDRESS.c, VIP));
    // one that starts again, and was no reboot, goes on
    const next = createVips('vxlan', 'h1', quietLog, 600_000);
    next.table([instance('a'), instance('b'), instance('c', 'running', false)]);
    next.all([facts('c')]);
    await until('it is led', () => next.leadsTo(ADDRESS.c, VIP));
  });

  it('a container is called by those of other deployments that it names alone, at the port that it names; what somebody removes is put back', async () => {
    const allow = createAllow('vxlan', 'h1', quietLog);
    const of = (name: Name, deployment: string, over: Partial<NamedInstance> = {}) => ({
      ...instance(name),
      deployment,
      service: name,
      ...over,
    });
    const own = of('a', 'abc', { allowFrom: 'xyz/b:80' });
    allow.table([own, of('b', 'xyz'), of('c', 'mon')]);
    await allow.all([facts('a'), facts('b'), facts('c')]);
    const refuses = (from: Name) => call(from, 'tcp', 1, 0, ADDRESS.a)[0] === 'ECONNREFUSED';
    await until('the others are kept out', () => refuses('c'));
    assert.deepEqual(call('b', 'tcp', 1, 0, ADDRESS.a), [`a ${ADDRESS.b}`]);
    assert.deepEqual(call('b', 'udp', 1, 0, ADDRESS.a), ['none'], 'another port');
    assert.deepEqual(call('a', 'tcp', 1, 0, ADDRESS.a), [`a ${ADDRESS.a}`], 'itself');
    assert.deepEqual(call('a', 'tcp', 1, 0, ADDRESS.c), [`c ${ADDRESS.a}`], 'whom it calls answers');
    const table = () => inside('a', ['nft', '-a', 'list', 'table', 'inet', 'arpanet-allow']);
    const before = table();
    allow.table([own, of('b', 'xyz'), of('c', 'mon'), { ...own, container: 'd'.repeat(64), addresses: {} }]);
    await allow.all([facts('a'), facts('b'), facts('c'), sidecar('a')]);
    // nothing is known of the container for a while
    allow.change([], [own.container]);
    await allow.all([facts('a'), facts('b'), facts('c'), sidecar('a')]);
    allow.change([own], []);
    for (let times = 0; times < 4; times++) await allow.reconcile();
    assert.equal(table(), before, 'nobody has loaded them again');
    allow.change([of('c', 'abc')], []);
    await until('one of its own deployment is let in', () => !refuses('c'));
    allow.change([of('c', 'mon')], []);
    await until('and is out again', () => refuses('c'));
    const six = (name: Name) => ({ addresses6: { net: ADDRESS6[name] } });
    allow.change([of('b', 'xyz', six('b')), of('c', 'mon', six('c'))], []);
    await until('those of IPv6 are known', () => table().includes(ADDRESS6.b));
    for (const name of ['a', 'b'] as const) inside(name, ['ip', '-6', 'neigh', 'flush', 'all']);
    assert.deepEqual(call('b', 'tcp', 1, 0, ADDRESS6.a), ['ECONNREFUSED'], 'the neighbour is found, and nothing listens there');
    const local = /fe80::\S+(?=\/64)/.exec(inside('a', ['ip', '-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'link']))?.[0] ?? assert.fail();
    assert.deepEqual(call('b', 'tcp', 1, 0, `${local}%eth0`), ['EACCES'], 'from a link-local address');
    // what the kernel did not take is taken later
    tools.put('broken', '');
    allow.change([of('c', 'abc')], []);
    await until('it is told', async () => (await allow.differences()).length > 0);
    rmSync(join(tools.folder, 'broken'));
    await allow.reconcile();
    assert.ok(!refuses('c'));
    allow.change([of('c', 'mon')], []);
    await until('and is out again', () => refuses('c'));
    inside('a', ['nft', 'delete', 'table', 'inet', 'arpanet-allow']);
    assert.match((await allow.differences()).join(), /container a can be called by others than its label/);
    await allow.reconcile();
    assert.deepEqual(await allow.differences(), []);
    assert.ok(refuses('c'));
    const { allowFrom: _none, ...open } = own;
    allow.change([open], []);
    await until('without the label it is open', () => !refuses('c'));
  });

  it('from its create until its own rules are in place nobody calls a container that says who may; an agent that starts again closes none that runs', async () => {
    const own = { ...instance('a'), deployment: 'abc', allowFrom: 'none' };
    const others = [
      { ...instance('b'), deployment: 'xyz' },
      { ...instance('c'), deployment: 'mon' },
    ];
    const labelled = (Running: boolean): ContainerFacts => {
      const { inspect, ...rest } = facts('a');
      const State = { ...inspect.State, Running };
      const Config = { Labels: { 'arpanet.allow-from': 'none', 'arpanet.record': '{}' } };
      const NetworkSettings = { Networks: { net: { IPAMConfig: { IPv4Address: ADDRESS.a } } } };
      return { ...rest, inspect: { ...inspect, State, Config, NetworkSettings } };
    };
    const gate = (): string => readFileSync(join(tools.folder, 'gate'), 'utf8');
    const isClosed = (): boolean => gate().includes(ADDRESS.a);
    const allow = createAllow('vxlan', 'h1', quietLog);
    allow.changed([labelled(false)], []);
    await allow.settle();
    assert.ok(isClosed(), 'before it can be started');
    // the host's own table, where the bridge is
    const load = (): void => void inside('lan', ['nft', '-f', '-'], gate());
    load();
    assert.deepEqual(call('b', 'tcp', 1, 0, ADDRESS.a), ['none']);
    assert.deepEqual(call('b', 'udp', 1, 0, ADDRESS.a), ['none']);
    assert.deepEqual(call('a', 'tcp', 1, 0, ADDRESS.c), [`c ${ADDRESS.a}`], 'it calls whom it likes');
    allow.changed([labelled(true)], []);
    await allow.settle();
    assert.ok(isClosed(), 'its rules are not known yet');
    allow.table([own, ...others]);
    await until('it is open', () => !isClosed());
    assert.match(inside('a', ['nft', 'list', 'tables']), /arpanet-allow/);
    load();
    assert.deepEqual(call('b', 'tcp', 1, 0, ADDRESS.a), ['ECONNREFUSED']);

    const again = createAllow('vxlan', 'h1', quietLog);
    again.table([own, ...others]);
    tools.calls();
    await again.all([labelled(true)]);
    await again.reconcile();
    assert.deepEqual(
      tools.calls().filter((line) => line.startsWith('nft -f')),
      [],
    );
    again.changed([labelled(false)], []);
    await until('it is closed when it has ended', isClosed);
    again.changed([], [own.container]);
    await until('nothing is left', () => !gate().includes('set'));

    // after a reboot nobody is let in by what was so before it
    inside('a', ['nft', 'delete', 'table', 'inet', 'arpanet-allow']);
    const rebooted = createAllow('vxlan', 'h1', quietLog, 600_000);
    rebooted.table([own, ...others]);
    await rebooted.all([labelled(true)]);
    await rebooted.reconcile();
    assert.ok(isClosed());
    assert.doesNotMatch(inside('a', ['nft', 'list', 'tables']), /arpanet-allow/);
    rebooted.heard();
    await until('it is open', () => !isClosed());
    assert.match(inside('a', ['nft', 'list', 'tables']), /arpanet-allow/);
  });
});
