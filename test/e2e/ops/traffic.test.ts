/** What leads calls to instances, under constant load: ports that every host answers for and addresses of services. Two schedulers, three hosts, two Engine versions. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Cluster, endProcess, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { leaderOf, nextLeader } from '../../support/cluster/leaders.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { type Load, startLoad, startWrk } from '../../support/load.ts';
import { promisedMs } from '../../support/promised.ts';

/** It ends as a server should: what is open is answered once more, and closed. */
const HANDLER = [
  'touch /open.$$; trap "rm -f /open.$$" EXIT',
  'c=keep-alive; s=200; while read -r line; do',
  '  case "$line" in [Cc]onnection:*close*) c=close ;; [Hh]ost:*example.com*) s=${STATUS:-200} ;; esac',
  '  [ "$line" = "$(printf "\\r")" ] || continue',
  '  [ -e /stopping ] && c=close',
  '  printf "HTTP/1.1 $s OK\\r\\nContent-Length: %s\\r\\nConnection: %s\\r\\n\\r\\n%s" ${#HOSTNAME} $c $HOSTNAME',
  '  [ $c = close ] && exit 0',
  'done',
];
const SERVE = [
  `cat > /serve <<'END'\n#!/bin/sh\n${HANDLER.join('\n')}\nEND`,
  'chmod +x /serve',
  'nc -ll -p 80 -e /serve & server=$!',
  "trap 'touch /stopping; kill $server; while ls /open.* >/dev/null 2>&1; do sleep 0.1; done; exit 0' TERM",
  'wait',
].join('\n');

const NAME = 'even.example.com';

describe('calls of services, while instances, hosts and the cluster itself come and go', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2 });
  });
  after(() => cluster?.[Symbol.asyncDispose]());
  /** By whichever scheduler is there. */
  const docker = (...args: string[]) => cluster.docker(...args);
  const lines = (text: string) => text.split('\n').filter(Boolean);
  const host = (name: string) => cluster.lab.hosts.find((one) => one.name === name) ?? assert.fail();

  it('a published port is answered by every host, TCP and UDP, from instances wherever they run; a second service is refused', async () => {
    const serve = 'mkdir -p /www && hostname > /www/i && exec httpd -f -p 80 -h /www';
    const ports = ['-p', '8099:80', '-p', '8053:53/udp'];
    const made = ['service', 'create', '-d', '--no-resolve-image', '--name', 'mesh', '--replicas', '3', '--stop-grace-period', '1s'];
    await must(docker(...made, '--replicas-max-per-node', '2', ...ports, 'busybox', 'sh', '-c', serve));
    const ids = async () => lines(await must(docker('ps', '-q', '--filter', 'name=mesh-')));
    await until('three run', async () => (await ids()).length === 3);
    const addresses = cluster.lab.hosts.map(({ address }) => address);

    for (const address of addresses) {
      const answers = new Set<string>();
      await until(`${address} answers from all three`, async () => {
        const answer = await fetch(`http://${address}:8099/i`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2_000) });
        answers.add((await answer.text()).trim());
        return (await ids()).every((id) => answers.has(id));
      });
    }

    // the first packet through another host waits for nothing: no checksum of VXLAN is wrong, no rule is made for it
    const [first = assert.fail()] = addresses;
    await firstByte(first, 8099);
    for (const address of addresses) {
      const times = await Promise.all(Array.from({ length: 5 }, () => firstByte(address, 8099)));
      assert.ok(Math.min(...times) < promisedMs(50), `${address}: ${times.join()} ms`);
    }

    // its name is one address, behind which the caller's own kernel finds all three; behind `tasks.` it is their list
    const calls = 'for i in $(seq 24); do wget -qO- http://mesh/i; done; for n in mesh tasks.mesh; do echo =; nslookup $n; done';
    const [answered = '', one = '', list = ''] = (await must(docker('run', '--rm', 'busybox', 'sh', '-c', calls))).split('=\n');
    assert.deepEqual(new Set(lines(answered)), new Set(await ids()));
    const [found, tasks] = [one, list].map((text) => [...text.matchAll(/Address[^:]*: (10\.[\d.]+)$/gm)].map(([, address]) => address));
    assert.equal(found?.length, 1, one);
    assert.equal(tasks?.length, 3, list);
    assert.ok(!tasks?.includes(found?.[0]));

    // busybox has no server for UDP: one in the namespace of an instance that is the only one left
    await must(docker('service', 'scale', '-d', 'mesh=1'));
    await until('one is left', async () => (await ids()).length === 1);
    const pid = (await must(docker('inspect', '-f', '{{.State.Pid}}', (await ids())[0] ?? ''))).trim();
    const echo = `const s = require('dgram').createSocket('udp4').on('message', (m, r) => s.send(m, r.port, r.address)).bind(53)`;
    const server = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, process.execPath, '-e', echo], { stdio: 'ignore' });
    try {
      for (const address of addresses) await until(`${address} answers UDP`, () => echoed(address, 8053));
    } finally {
      await endProcess(server);
    }

    const second = await docker('service', 'create', '-d', '--no-resolve-image', '--name', 'second', '-p', '8099:80', 'busybox', 'true');
    assert.match(second.stderr, /port '8099' is already in use by service 'mesh' \(\w+\) as an ingress port/);
    assert.match(
      (await docker('run', '--rm', '-p', '8099:80', 'busybox', 'true')).stderr,
      /port '8099' is already in use by service 'mesh' as an ingress port/,
    );
    assert.match(await must(docker('service', 'ls', '--format', '{{.Name}} {{.Ports}}')), /^mesh .*\*:8099->80\/tcp/m);
    await must(docker('service', 'rm', 'mesh'));
    for (const { namespace } of cluster.lab.hosts)
      await until('no rule is left', async () => !(await tablesIn(namespace)).includes('arpanet-ingress'));
  });

  it('a port of docker run -p is answered by every host where the container’s label or the cluster says so, and told as an Engine tells it', async () => {
    const serve = ['busybox', 'sh', '-c', 'mkdir -p /www && echo hello > /www/i && exec httpd -f -p 80 -h /www'];
    const ports = async (name: string) => lines(await must(docker('port', name)));
    await must(
      docker('run', '-d', '--name', 'one', '--label', 'arpanet.publish=ingress', '-p', '8081:80', '--stop-timeout', '0', ...serve),
    );
    await must(cluster.arpanet('config', 'set', 'publish-mode', 'ingress'));
    await must(docker('run', '-d', '--name', 'two', '-p', '8082:80', '-p', '127.0.0.1:8083:80', '--stop-timeout', '0', ...serve));
    await must(cluster.arpanet('config', 'unset', 'publish-mode'));
    for (const { address } of cluster.lab.hosts)
      for (const port of [8081, 8082])
        await until(`${address}:${port} answers`, async () => (await (await fetch(`http://${address}:${port}/i`)).text()) === 'hello\n');
    assert.deepEqual(await ports('one'), ['80/tcp -> 0.0.0.0:8081', '80/tcp -> [::]:8081']);
    assert.deepEqual((await ports('two')).sort(), ['80/tcp -> 0.0.0.0:8082', '80/tcp -> 127.0.0.1:8083', '80/tcp -> [::]:8082']);
    assert.match(await must(docker('ps', '--filter', 'name=one', '--format', '{{.Ports}}')), /0\.0\.0\.0:8081->80\/tcp/);
    for (const { address } of cluster.lab.hosts) await assert.rejects(fetch(`http://${address}:8083/i`), 'an address is never widened');
    const third = await docker('run', '--rm', '--label', 'arpanet.publish=ingress', '-p', '8081:80', 'busybox', 'true');
    assert.match(third.stderr, /port '8081' is already in use by service 'one' as an ingress port/);

    // callers' addresses, where the container asks for them, whichever host is called
    const asked = ['--label', 'arpanet.publish=ingress', '--label', 'arpanet.proxy-protocol=true', '-p', '8084:80', '--stop-timeout', '0'];
    await must(docker('run', '-d', '--name', 'three', ...asked, 'busybox', 'nc', '-ll', '-p', '80', '-e', 'head', '-n', '1'));
    for (const { address } of cluster.lab.hosts)
      await until(`${address} says who called`, async () =>
        new RegExp(`^PROXY TCP4 ${cluster.lab.gateway} ${address} \\d+ 8084\r\n$`).test(await firstLine(address, 8084)),
      );
    await must(docker('rm', '-f', 'one', 'two', 'three'));
  });

  describe('under constant load', () => {
    const ready = async () => lines(await must(docker('ps', '-q', '--filter', 'name=even-', '--filter', 'health=healthy')));
    const allReady = (count: number) => until(`${count} are ready`, async () => (await ready()).length === count);
    /** Where the service’s address and its port are called, the one from a container. */
    async function places(): Promise<{ readonly byVip: string; readonly byPort: string; readonly pid: string }> {
      const found = await must(docker('exec', 'asker', 'nslookup', 'even'));
      const [, vip = ''] = /Address[^:]*: (10\.[\d.]+)\s*$/.exec(found) ?? [];
      const pid = (await must(docker('inspect', '-f', '{{.State.Pid}}', 'asker'))).trim();
      return { byVip: `http://${vip}/`, byPort: `http://${host('h1').address}:8098/`, pid };
    }
    /** By its HTTP name, at the hosts that answer for names: over connections that stay, and new ones. */
    const byHttpName = (patienceMs?: number): readonly Load[] =>
      ['h1', 'h2'].map((one, index) => startLoad(`http://${host(one).address}/`, { isKept: index === 0, patienceMs, host: NAME }));
    before(async () => {
      // nothing in the image checks it: its host's agent does
      const check = ['--container-label', 'arpanet.check=http:80/ interval=1s'];
      // two hosts answer for names; no other deployment's containers may call it, and proxies do
      for (const one of ['h1', 'h2']) {
        await endProcess(cluster.agents.get(one) ?? assert.fail());
        await cluster.startAgent(one, undefined, ['--http', '80']);
      }
      check.push('--container-label', `arpanet.http=${NAME}`, '--container-label', 'arpanet.allow-from=none');
      await until('both answer for names', async () => {
        const reports = (await (await fetch(`${cluster.url}/arpanet/v1/hosts`)).json()) as { readonly http?: string }[];
        return reports.filter(({ http }) => http === 'edge').length === 2;
      });
      const made = [
        '-d',
        '--no-resolve-image',
        '--name',
        'even',
        '--replicas',
        '8',
        '--replicas-max-per-node',
        '4',
        '-p',
        '8098:80',
        ...check,
      ];
      await must(docker('service', 'create', ...made, 'busybox', 'sh', '-c', SERVE));
      await must(docker('run', '-d', '--name', 'asker', '-e', 'constraint:node==h2', '--stop-timeout', '0', 'busybox', 'sleep', '3600'));
      await allReady(8);
    });

    it('the leader, an agent, an instance and a host die: calls fail for a second of the instance’s death and three of the host’s, and for none of the others', async () => {
      const { byVip, byPort, pid } = await places();
      const patienceMs = 6_000;
      const loads = [true, false].flatMap((isKept): Load[] => [
        startLoad(byVip, { isKept, pid, patienceMs }),
        startLoad(byPort, { isKept, patienceMs }),
      ]);
      loads.push(...byHttpName(patienceMs));
      const old = await until('one leads', () => leaderOf(cluster));
      cluster.schedulers[old.index]?.process.kill('SIGKILL');
      cluster.agents.get('h1')?.kill('SIGKILL');
      await nextLeader(cluster, old, 30_000);
      await cluster.startAgent('h1', undefined, ['--http', '80']);
      await cluster.startScheduler(old.index);
      await allReady(8);
      // an instance on the host that the port is called at: a caller in flight is lost with it, and who calls later is not
      const [one = ''] = lines(await must(cluster.engine('h1', 'ps', '-q', '--filter', 'name=even-')));
      const instanceAt = Date.now();
      process.kill(Number((await must(cluster.engine('h1', 'inspect', '-f', '{{.State.Pid}}', one))).trim()), 'SIGKILL');
      const overAt = instanceAt + promisedMs(1_000);
      await sleep(overAt - Date.now());
      await allReady(8);
      assert.ok(lines(await must(cluster.engine('h3', 'ps', '-q', '--filter', 'name=even-'))).length > 0, 'the host that dies has some');
      const hostAt = Date.now();
      await cluster.lab.cut(host('h3'));
      const lostAt = hostAt + promisedMs(3_000);
      await sleep(lostAt + 2_000 - Date.now());
      const seen = await Promise.all(loads.map((load) => load.end()));
      await cluster.lab.heal(host('h3'));
      const isExcused = (ms: number): boolean => (ms > instanceAt - 1_000 && ms < overAt) || (ms > hostAt - 1_000 && ms < lostAt);
      for (const { failed, failedAt } of seen)
        assert.deepEqual(
          failed.filter((_, index) => !isExcused(failedAt[index] ?? 0)),
          [],
          `times: ${JSON.stringify({ failedAt, instanceAt, overAt, hostAt, lostAt })}`,
        );
      await until(
        'the host is back',
        async () => (await must(docker('node', 'ls', '--format', '{{.Status}}'))).match(/Ready/g)?.length === 3,
        60_000,
      );
      await allReady(8);
    });

    it('scaling 8, 2, 8, an update and the drain of a host lose no request, by name, by the service’s address, by its published port and by its HTTP name, over connections that stay and over new ones', async () => {
      const before = await ready();
      const { byVip, byPort, pid } = await places();
      const kinds = [true, false];
      // by name: a list of instances, asked for again with each connection
      const named = [...kinds.map((isKept) => startLoad('http://tasks.even/', { isKept, pid })), ...byHttpName()];
      const counted = kinds.flatMap((isKept) => [startWrk(byVip, { isKept, pid }), startWrk(byPort, { isKept })]);
      await must(cluster.arpanet('scale', 'default/even=2'));
      await must(cluster.arpanet('update', 'default/even', '--env', 'COLOUR=green'));
      await must(cluster.arpanet('scale', 'default/even=8'));
      await allReady(8);
      await must(cluster.arpanet('drain', 'h3'));
      assert.equal((await ready()).length, 8);
      const seen = await Promise.all(named.map((load) => load.end()));
      const counts = await Promise.all(counted.map((load) => load.end()));
      await must(cluster.arpanet('activate', 'h3'));
      const asked = [...seen, ...counts].map((one) => one.asked);
      assert.deepEqual(
        [...seen, ...counts].flatMap(({ failed }) => failed),
        [],
        `of ${asked.join()} requests`,
      );
      assert.ok(Math.min(...asked) > 50, asked.join());
      for (const { answered } of seen)
        assert.ok(
          answered.some((id) => !before.includes(id)),
          'the new ones have answered, too',
        );
    });

    it('an HTTP name is one service’s, is answered by the chosen hosts from all instances, and followed by the doctor; a canary that fails is taken back', async () => {
      const ids = new Set(await ready());
      for (const one of ['h1', 'h2']) {
        const answers = new Set<string>();
        await until(`${one} answers from all`, async () => {
          answers.add(await calledBy(host(one).address, NAME));
          return [...ids].every((id) => answers.has(id));
        });
      }
      await assert.rejects(calledBy(host('h3').address, NAME), /ECONNREFUSED/);
      const second = await docker('run', '--rm', '--label', `arpanet.http=${NAME}`, 'busybox', 'true');
      assert.match(second.stderr, /HTTP name 'even\.example\.com' is already in use by service 'default\/even'/);
      const beside = await docker('run', '--rm', '-e', 'constraint:node==h1', '-p', '80:80', 'busybox', 'true');
      assert.match(beside.stderr, /host port 0\.0\.0\.0:80\/tcp is taken by the host's proxy for HTTP by name/);
      assert.match(await must(cluster.arpanet('doctor', 'default/even', NAME)), /HTTP is answered by h1, h2/);

      await must(cluster.arpanet('update', 'default/even', '--env', 'STATUS=500', '--canary', '30%'));
      const loads = byHttpName();
      await until('it is taken back', async () => /more requests fail/.test((await cluster.arpanet('canary', 'default/even')).stdout));
      await until('its instances are gone', async () => (await must(docker('ps', '-q', '--filter', 'name=even-canary'))) === '');
      const seen = await Promise.all(loads.map((load) => load.end()));
      assert.ok(seen.some(({ failed }) => failed.some((why) => why.startsWith('status 500'))));
      assert.match(await must(cluster.arpanet('ls')), /even-canary .*was taken back/);

      await must(docker('rm', '-f', 'asker'));
      await must(cluster.arpanet('rm', 'default/even'));
      for (const one of ['h1', 'h2'])
        await until(`${one} answers no more`, async () =>
          calledBy(host(one).address, NAME).then(
            () => false,
            (error: unknown) => /ECONNREFUSED/.test(String(error)),
          ),
        );
    });
  });

  it('nothing is left in the kernels when all has been removed', async () => {
    await assertNothingLeft(cluster, []);
    for (const { namespace } of cluster.lab.hosts)
      await until('no rule is left', async () => !(await tablesIn(namespace)).includes('arpanet-ingress'));
  });
});

/** What it says to one who calls it by this name. */
async function calledBy(address: string, name: string): Promise<string> {
  const request = http.get(`http://${address}/`, { headers: { host: name }, agent: false, timeout: 5_000 });
  request.once('timeout', () => request.destroy(new Error('timeout')));
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return Buffer.concat((await answer.toArray()) as Buffer[]).toString();
}

/** Whether a packet comes back from there. */
function echoed(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (isEchoed: boolean): void => {
      clearTimeout(timer);
      socket.close();
      resolve(isEchoed);
    };
    const timer = setTimeout(() => end(false), 1_000);
    socket.once('message', () => end(true)).once('error', () => end(false));
    socket.send('x', port, address);
  });
}

const inside = async (namespace: string, ...words: string[]): Promise<string> =>
  (await promisify(execFile)('nsenter', [`--net=/run/netns/${namespace}`, ...words])).stdout;

const tablesIn = (namespace: string): Promise<string> => inside(namespace, 'nft', 'list', 'tables');

/** What comes back when a line is sent, to its end. */
function firstLine(address: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(port, address, () => socket.write('x\n'));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text) => (said += text));
    socket.once('error', reject).once('close', () => resolve(said));
  });
}

/** Milliseconds from the first packet of a new connection to the first byte of an answer. */
function firstByte(address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const socket = connect(port, address, () => socket.write('GET /i HTTP/1.0\r\n\r\n'));
    socket.once('error', reject).once('data', () => {
      resolve(performance.now() - began);
      socket.destroy();
    });
  });
}
