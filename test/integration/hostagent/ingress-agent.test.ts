/** What an agent does for published ports of mode ingress, in a network namespace of its own: applied, repaired, kept over a restart, removed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { repository } from '../../support/cluster/paths.ts';

const run = promisify(execFile);

/** Prints what it finds after each step, as JSON. Its argument: the data folder. */
const STEPS = `
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { createIngress } from './src/hostagent/ingress/ingress.ts';
import { openAgentFiles } from './src/hostagent/agent-files.ts';
const log = pino({ level: 'silent' });
const sh = (script) => execFileSync('sh', ['-c', script], { encoding: 'utf8' });
sh('ip link set lo up; echo 1 >/proc/sys/net/ipv4/ip_forward; iptables -w 5 -P FORWARD DROP; iptables -w 5 -N DOCKER-USER; iptables -w 5 -A DOCKER-USER -s 192.0.2.1 -j DROP; iptables -w 5 -A DOCKER-USER -j RETURN; iptables -w 5 -A FORWARD -j DOCKER-USER');
const agent = () => createIngress({ overlay: 'vxlan', host: 'h1', file: openAgentFiles(process.argv.at(-1), log).ingress, subnets: () => ['10.32.0.0/22'], apis: () => [], patienceMs: 0, log });
const port = (number, protocol, address) => ({ port: number, protocol, instances: [{ host: 'h1', at: '10.9.0.1', address, target: 80 }] });
const seen = async (one) => ({
  rules: sh('nft list ruleset 2>/dev/null').includes('10.32.0.5 . 80'),
  user: sh('iptables -w 5 -S DOCKER-USER').split('\\n').filter((line) => line.startsWith('-A')).map((line) => line.split(' ').at(-1)),
  differences: await one.differences(),
});
const found = {};
const folder = process.argv.at(-1);
const first = agent();
await first.reconcile();
found.nothing = await seen(first);
const other = createServer().listen(9090, '0.0.0.0');
await new Promise((done) => other.once('listening', done));
first.take({ type: 'ingress', isWhole: true, ports: [port(8080, 'tcp', '10.32.0.5'), port(8053, 'udp', '10.32.0.6'), port(9090, 'tcp', '10.32.0.7')], hosts: ['10.9.0.1', '10.9.0.2'] });
for (const _ of [1, 2]) await first.reconcile(); // the message's own pass lies between
found.applied = await seen(first);
found.leftToOther = sh('nft list ruleset').includes('10.32.0.7');
sh('nft delete table ip arpanet-ingress; iptables -w 5 -F DOCKER-USER; iptables -w 5 -A DOCKER-USER -j RETURN');
found.removed = await seen(first);
await new Promise((done) => other.close(done));
await first.reconcile();
found.repaired = await seen(first);
found.answeredNow = sh('nft list ruleset').includes('10.32.0.7');
sh('nft add table inet fw; nft "add chain inet fw forward { type filter hook forward priority 0; policy drop; }"');
found.foreign = (await first.differences());
sh('nft delete table inet fw; nft add table inet fw; nft "add chain inet fw forward { type filter hook forward priority 0; }"; nft add rule inet fw forward ct state established accept; nft add rule inet fw forward counter drop');
found.foreign.push(...(await first.differences()));
sh('nft delete table inet fw');
while (!existsSync(folder + '/ingress.json')) await new Promise((done) => setTimeout(done, 20));
console.log(JSON.stringify(found));
process.exit(0);
`;
/** After a reboot: no leader, nothing in the kernel. Then the host is removed from the cluster. */
const RESTART = `
import { execFileSync } from 'node:child_process';
import { pino } from 'pino';
import { createIngress } from './src/hostagent/ingress/ingress.ts';
import { openAgentFiles } from './src/hostagent/agent-files.ts';
const log = pino({ level: 'silent' });
execFileSync('sh', ['-c', 'iptables -w 5 -N DOCKER-USER; iptables -w 5 -A DOCKER-USER -j RETURN']);
const hasRules = () => execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).includes('10.32.0.5 . 80');
const one = createIngress({ overlay: 'vxlan', host: 'h1', file: openAgentFiles(process.argv.at(-1), log).ingress, subnets: () => [], apis: () => [], patienceMs: 0, log });
await one.reconcile();
const found = [hasRules()];
const accepted = execFileSync('iptables', ['-w', '5', '-S', 'DOCKER-USER'], { encoding: 'utf8' }).includes('arpanet');
one.clear();
await one.reconcile();
const user = execFileSync('iptables', ['-w', '5', '-S', 'DOCKER-USER'], { encoding: 'utf8' });
console.log(JSON.stringify([...found, accepted, hasRules(), user.includes('arpanet'), await one.differences()]));
process.exit(0);
`;

/** Callers' addresses (PROXY protocol): an instance on this host, and one on another, whose agent is that of the other host here. Prints what each was sent first, and by whom. */
const PROXIED = `
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pino } from 'pino';
import { createIngress } from './src/hostagent/ingress/ingress.ts';
import { createProxyHop } from './src/hostagent/ingress/proxy-hop.ts';
const log = pino({ level: 'silent' });
execFileSync('sh', ['-c', 'ip link set lo up; echo 1 >/proc/sys/net/ipv4/ip_forward']);
for (const address of ['127.0.0.5', '127.0.0.6', '127.0.0.7']) createServer((s) => s.once('data', (d) => s.end(address + ' ' + d))).listen(80, address);
const on = (host, at, address, more) => ({ host, at, address, target: 80, ...more });
const asked = { isProxied: true };
let value = { hosts: ['127.0.0.1'], ports: [
  { port: 8080, protocol: 'tcp', instances: [on('h1', '127.0.0.1', '127.0.0.5', asked), on('h2', '127.0.0.1', '127.0.0.6', asked)] },
  { port: 8081, protocol: 'tcp', instances: [on('h1', '127.0.0.1', '127.0.0.5')] },
  { port: 8082, protocol: 'tcp', instances: [on('h1', '127.0.0.1', '127.0.0.7'), on('h2', '127.0.0.1', '127.0.0.6', asked)] },
] };
const one = createIngress({ overlay: 'vxlan', host: 'h1', file: { value: () => value, save: (next) => (value = next) }, subnets: () => [], apis: () => [], patienceMs: 0, log });
const other = createProxyHop('h2', log);
await other.follow(value);
await one.reconcile();
const call = async (port, text, localAddress = '127.0.0.1') => {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  let said = '';
  socket.setEncoding('utf8').on('data', (part) => (said += part)).on('error', () => {});
  await once(socket, 'connect').catch(() => {});
  const from = socket.localPort;
  socket.write(text);
  await once(socket, 'close').catch(() => {});
  return said.replace(String(from), 'FROM');
};
const found = { calls: new Set() };
while (found.calls.size < 4) for (const port of [8080, 8082]) found.calls.add(await call(port, 'hello'));
const line = 'PROXY TCP4 192.0.2.9 127.0.0.1 5 8080\\r\\n';
found.hop = await call(7379, line + 'hello');
found.foreign = await call(7379, line + 'hello', '127.0.0.9');
found.noLine = await call(7379, 'GET / HTTP/1.1\\r\\n');
found.unknown = await call(7379, line.replace('8080', '9999'));
const rules = execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' });
found.kernel = [8080, 8081, 8082].filter((port) => rules.includes(port + ' : goto'));
value = { ...value, ports: [] };
await other.follow(value);
found.closed = await call(7379, line);
console.log(JSON.stringify({ ...found, calls: [...found.calls].sort() }));
process.exit(0);
`;

/** The same host, where nft is not installed. */
const WITHOUT_NFT = `
import { execFileSync } from 'node:child_process';
import { pino } from 'pino';
import { createIngress } from './src/hostagent/ingress/ingress.ts';
const nat = () => execFileSync('iptables', ['-w', '5', '-t', 'nat', '-S'], { encoding: 'utf8' });
execFileSync('sh', ['-c', 'ip link set lo up; echo 1 >/proc/sys/net/ipv4/ip_forward']);
let value = { ports: [{ port: 8080, protocol: 'tcp', instances: [{ host: 'h1', at: '10.9.0.1', address: '10.32.0.5', target: 80 }] }], hosts: [] };
const file = { value: () => value, save: (next) => (value = next) };
const one = createIngress({ overlay: 'vxlan', host: 'h1', file, subnets: () => [], apis: () => [], patienceMs: 0, log: pino({ level: 'silent' }) });
await one.reconcile();
const found = [nat().includes('--to-destination 10.32.0.5:80'), await one.differences()];
execFileSync('iptables', ['-w', '5', '-t', 'nat', '-F', 'ARPANET-INGRESS-VERSION']);
await one.reconcile();
found.push(await one.differences());
one.clear();
await one.reconcile();
console.log(JSON.stringify([...found, nat().includes('ARPANET')]));
process.exit(0);
`;

interface Seen {
  readonly rules: boolean;
  /** Targets of the rules in DOCKER-USER. */
  readonly user: readonly string[];
  readonly differences: readonly string[];
}

describe('published ports of an agent', { timeout: 300_000 }, () => {
  it('lead to instances that want to be told who called, on this host and another, with a line of the PROXY protocol; nobody but hosts sends one', async () => {
    const node = [process.execPath, '--import', './scripts/typescript.mjs', '--input-type=module', '-e', PROXIED];
    const { stdout } = await run('unshare', ['-n', ...node], { cwd: repository });
    const told = (port: number) => `PROXY TCP4 127.0.0.1 127.0.0.1 FROM ${port}\r\nhello`;
    assert.deepEqual(JSON.parse(stdout), {
      calls: [`127.0.0.5 ${told(8080)}`, `127.0.0.6 ${told(8080)}`, `127.0.0.6 ${told(8082)}`, '127.0.0.7 hello'],
      hop: '127.0.0.6 PROXY TCP4 192.0.2.9 127.0.0.1 5 8080\r\nhello',
      foreign: '',
      noLine: '',
      unknown: '',
      kernel: [8081],
      closed: '',
    });
  });

  it('are applied beside others’ rules, repaired, kept over a reboot, and gone with the host; what is in the way is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arpanet-ingress-'));
    // without nft: a shell says so by this
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'nft'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    const inside = async (script: string, env = process.env): Promise<unknown> => {
      const node = [process.execPath, '--import', './scripts/typescript.mjs', '--input-type=module', '-e', script, folder];
      const { stdout } = await run('unshare', ['-n', ...node], { cwd: repository, env });
      return JSON.parse(stdout);
    };
    try {
      const found = (await inside(STEPS)) as Record<'nothing' | 'applied' | 'removed' | 'repaired', Seen> & {
        readonly leftToOther: boolean;
        readonly answeredNow: boolean;
        readonly foreign: readonly string[];
      };
      const taken = 'the published port tcp/9090 is not answered on this host: another program has it (EADDRINUSE)';
      assert.deepEqual(found.nothing, { rules: false, user: ['DROP', 'RETURN'], differences: [] });
      assert.deepEqual(found.applied, { rules: true, user: ['DROP', 'ACCEPT', 'RETURN'], differences: [taken] });
      assert.equal(found.leftToOther, false);
      assert.deepEqual(found.removed.differences.slice(1), [
        'published ports do not answer: the rules of nft’s table arpanet-ingress are not as they should be',
        'published ports may lead nowhere: nft’s chain ip filter FORWARD drops what it does not know (policy drop)',
      ]);
      assert.deepEqual(found.repaired, { rules: true, user: ['ACCEPT', 'RETURN'], differences: [] });
      assert.equal(found.answeredNow, true);
      assert.deepEqual(found.foreign, [
        'published ports may lead nowhere: nft’s chain inet fw forward drops what it does not know (policy drop)',
        'published ports may lead nowhere: nft’s chain inet fw forward has a rule that drops all that no rule before it accepts',
      ]);
      assert.deepEqual(await inside(RESTART), [true, true, false, false, []]);
      const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
      assert.deepEqual(await inside(WITHOUT_NFT, env), [true, [], [], false]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
