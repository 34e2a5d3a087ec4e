import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { HostView } from '../../../src/model/index.ts';
import { isPlainWord, scriptLine } from '../../../src/operator-api/index.ts';
import { type KnownHosts, type Newcomer, joinFindings } from '../../../src/processes/identity/join-check.ts';
import { pathFinding, pathPlan } from '../../../src/processes/identity/join-paths.ts';
import { pinOf, reachableUrl, storeOf } from '../../../src/processes/identity/joining.ts';
import { newAuthority, newKeyPair, openAuthority } from '../../../src/security/index.ts';

const NOW = 1_795_982_400_000;
const host = (name: string, address: string, state: HostView['state'], id = name) =>
  ({ name, state, record: { name, address }, facts: { info: { ID: id } } }) as unknown as KnownHosts['hosts'][number];
const machine = (more: Partial<Newcomer> = {}): Newcomer => ({
  name: 'db-2',
  address: '10.0.0.2',
  engineId: 'e2',
  machine: '',
  isKnown: false,
  clockMs: NOW,
  ...more,
});
const cluster = (more: Partial<KnownHosts> = {}): KnownHosts => ({
  hosts: [host('db-1', '10.0.0.1', 'alive')],
  admissions: [{ name: 'db-2', kind: 'expected' }],
  whyRevoked: () => undefined,
  apiFault: undefined,
  nowMs: NOW,
  ...more,
});
const said = (newcomer: Newcomer, known = cluster()): string =>
  joinFindings(newcomer, known)
    .map(({ kind, text, todo = '' }) => `${kind}: ${text} | ${todo}`)
    .join('\n');
const fails = (text: string): boolean => text.includes('fail: ');

describe('a machine that is to join', () => {
  it('is let in by a free name, with a clock that agrees', () => {
    assert.equal(fails(said(machine())), false);
    assert.match(said(machine()), /the name db-2 is free/);
    assert.match(
      said(machine({ clockMs: NOW - 600_000 })),
      /fail: the clock of this machine is 10 minutes behind the leader's \| .*timedatectl/,
    );
    assert.match(said(machine({ clockMs: NaN })), /fail: the clock/);
    assert.match(said(machine({ name: 'Db 2' })), /fail: .* cannot be the name of a host/);
  });

  it('is refused by a name that is taken, revoked or removed, or by the address of another host, each with what to do', () => {
    assert.match(
      said(machine({ name: 'db-1' })),
      /fail: the name db-1 is taken: that host is connected from 10\.0\.0\.1 \| choose another name/,
    );
    assert.match(said(machine(), cluster({ whyRevoked: () => 'revoked' })), /fail: .*revoked.*\| "arpanet hosts readmit db-2"/);
    assert.match(
      said(machine(), cluster({ admissions: [{ name: 'db-2', kind: 'removed' }] })),
      /fail: .*removed.*\| "arpanet hosts add db-2"/,
    );
    assert.match(
      said(machine(), cluster({ admissions: [{ name: 'db-2', kind: 'expected', address: '10.0.0.9' }] })),
      /fail: db-2 was added with the address 10\.0\.0\.9/,
    );
    assert.match(said(machine(), cluster({ apiFault: 'no version that both have' })), /fail: no version that both have/);
  });

  it('tells a wiped disk, a copied machine and a renamed one apart', () => {
    const down = cluster({ hosts: [host('db-2', '10.0.0.2', 'down')] });
    assert.match(said(machine(), down), /note: host db-2 is down \(its disk was wiped, it seems\): this machine takes its place/);
    assert.match(said(machine({ isKnown: true }), down), /note: host db-2 is down: it comes back/);
    assert.match(said(machine({ address: '10.0.0.7' }), down), /note: host db-2 is down \(it was at 10\.0\.0\.2\)/);
    const there = cluster({ hosts: [host('db-2', '10.0.0.3', 'alive')] });
    assert.match(
      said(machine({ isKnown: true }), there),
      /fail: this machine is a copy of host db-2, which is connected from 10\.0\.0\.3 \| .*--remove, another machine-id/,
    );
    assert.match(
      said(machine({ address: '10.0.0.1' })),
      /fail: 10\.0\.0\.1 is the address of host db-1.*\| if this machine was db-1 and has a new name/,
    );
    assert.match(said(machine({ engineId: 'db-1' })), /note: Docker has the same id here as on host db-1/);
    assert.equal(fails(said(machine({ engineId: 'db-1' }))), false);
    const of = (known: KnownHosts['hosts'][number]) =>
      ({ ...known, facts: { machine: 'm1', info: { ID: 'x' } } }) as unknown as typeof known;
    const twin = cluster({ hosts: [of(host('db-1', '10.0.0.1', 'alive'))] });
    assert.match(
      said(machine({ machine: 'm1' }), twin),
      /note: this machine has the machine-id of host db-1, which is connected from 10\.0\.0\.1: it is a copy of it.*systemd-machine-id-setup/,
    );
    const renamed = cluster({ hosts: [of(host('db-1', '10.0.0.1', 'down'))] });
    assert.match(
      said(machine({ machine: 'm1' }), renamed),
      /note: this machine was host db-1.*is down: was it renamed\? "arpanet hosts rm db-1 --force"/,
    );
    const emptied = cluster({ hosts: [of(host('db-2', '10.0.0.7', 'down'))] });
    assert.match(said(machine({ machine: 'm1' }), emptied), /note: host db-2 is down \(this machine, without its files\)/);
    assert.doesNotMatch(said(machine({ machine: '' }), renamed), /machine-id/);
    const joined = cluster({ hosts: [host('db-2', '10.0.0.2', 'alive')] });
    assert.match(said(machine({ isKnown: true }), joined), /^joined: db-2 is connected from here/);
  });
});

describe('the way of such a machine to other hosts', () => {
  const able = (name: string, address: string, more: object = {}) =>
    ({ ...host(name, address, 'alive'), facts: { overlay: 'vxlan', mtu: 1500, ...more } }) as unknown as KnownHosts['hosts'][number];
  const ask = (hosts: KnownHosts['hosts'], mtu = 1500) => pathPlan({ name: 'db-2', address: '10.0.0.2', mtu }, hosts, 7);

  it('is tried with up to four hosts that are alive and have an overlay, at the size that all links carry', () => {
    const many = Array.from({ length: 9 }, (_, i) => able(`h${i}`, `10.0.1.${i}`));
    assert.deepEqual(
      ask(many).trials.map((one) => one.host),
      ['h0', 'h3', 'h6'],
    );
    const { trials } = ask([able('b', '10.0.0.3', { mtu: 1400 }), able('c', '10.0.0.4', { overlay: 'none' }), able('a', '10.0.0.1')], 9000);
    assert.deepEqual(trials.map(pathFinding), [
      { kind: 'path', text: 'a', todo: '10.0.0.1 169.254.77.1 7 169.254.77.254 1400' },
      { kind: 'path', text: 'b', todo: '10.0.0.3 169.254.77.2 7 169.254.77.254 1400' },
    ]);
  });

  it('is not tried without another host, nor for one that the others may have closed off until it is in', () => {
    assert.match(ask([host('x', '10.0.0.9', 'down')]).findings[0]?.text ?? '', /there is no other host yet/);
    const again = [able('a', '10.0.0.1'), host('db-2', '10.0.0.9', 'down')];
    assert.match(ask(again).findings[0]?.text ?? '', /may drop the overlay packets of host db-2 until it is in/);
    assert.deepEqual(ask(again).trials, []);
  });
});

describe('the line for such a machine', () => {
  it('pins the key that the scheduler shows', async () => {
    const ca = openAuthority({ authorities: [await newAuthority(NOW)] }, () => NOW);
    const { publicKey } = newKeyPair();
    const { certificate } = await ca.issue({ publicKey, commonName: 's1', kind: 'scheduler', names: ['x'], ttlMs: 60_000 });
    const der = Buffer.from(publicKey.replaceAll(/-----.*-----|\n/g, ''), 'base64');
    const pin = pinOf(certificate);
    assert.equal(pin, `sha256//${createHash('sha256').update(der).digest('base64')}`);
    assert.equal(
      scriptLine({ url: 'https://10.0.0.1:2376', pin }, ['ARPTKN-1-aa-bb', 'db-2']),
      `curl -fsSLk --noproxy '*' --pinnedpubkey '${pin}' --connect-to ::10.0.0.1:2376 https://join.arpanet.internal/arpanet/v1/join.sh | sudo sh -s -- ARPTKN-1-aa-bb db-2`,
    );
    assert.equal(
      scriptLine({ url: 'http://10.0.0.1:2375' }, ['--remove']),
      "curl -fsSL --noproxy '*' http://10.0.0.1:2375/arpanet/v1/join.sh | sudo sh -s -- --remove",
    );
    assert.deepEqual(['a-b_c.9', "a'b", '$(x)', '-x', 'a b', ''].map(isPlainWord), [true, false, false, false, false, false]);
  });

  it('says what Consul asks of another scheduler, and gives no token away', () => {
    const consul = { kind: 'consul', address: '10.0.0.1:8500' } as const;
    const store = 'consul://10.0.0.1:8500';
    assert.deepEqual(storeOf(consul), { store });
    assert.deepEqual(storeOf({ ...consul, token: 'abc' }), { store, storeNeeds: 'a token' });
    assert.deepEqual(storeOf({ ...consul, tls: {} }), { store, storeNeeds: 'TLS' });
    assert.deepEqual(storeOf({ kind: 'embedded', dir: '/x' }), {});
  });

  it('names an address that other machines reach, with TLS where there is one', () => {
    const plain = { host: '10.0.0.1', port: 2375 };
    const loopback = { host: '127.0.0.1', port: 2375 };
    const secure = { host: '10.0.0.1', port: 2376, isTls: true };
    assert.equal(reachableUrl({ advertise: 'http://127.0.0.1:2375', listen: loopback, alsoListen: [secure] }), 'https://10.0.0.1:2376');
    assert.equal(reachableUrl({ advertise: 'http://10.0.0.1:2375', listen: plain, alsoListen: [secure] }), 'https://10.0.0.1:2376');
    assert.equal(reachableUrl({ advertise: 'http://10.0.0.1:2375', listen: plain, alsoListen: [] }), 'http://10.0.0.1:2375');
    assert.equal(
      reachableUrl({ advertise: 'https://docker.corp.example:2376', listen: { host: '0.0.0.0', port: 2376, isTls: true }, alsoListen: [] }),
      'https://docker.corp.example:2376',
    );
    assert.equal(reachableUrl({ advertise: 'http://127.0.0.1:2375', listen: loopback, alsoListen: [] }), undefined);
    assert.equal(reachableUrl({ advertise: 'http://0.0.0.0:2375', listen: { host: '0.0.0.0', port: 2375 }, alsoListen: [] }), undefined);
  });
});
