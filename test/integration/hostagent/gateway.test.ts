/** The engine gateway, the inventory, the stream and image copies, on two real engines. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createEngineAgent, engineJson, engineRequest, openTunnel, splitHostPort } from '../../../src/engine/index.ts';
import type { AgentMessage } from '../../../src/model/wire.ts';
import { until } from '../../support/cluster/cluster.ts';
import { type AgentLab, startAgentLab, token } from '../../support/cluster/hosts-with-agents.ts';
import { quietLog } from '../../support/cluster/lab.ts';

const run = promisify(execFile);

describe('a host agent', { timeout: 600_000 }, () => {
  let hosts: AgentLab;
  before(async () => {
    hosts = await startAgentLab({ count: 2 });
  });
  after(() => hosts[Symbol.asyncDispose]());

  const hostAt = (index: number) => hosts.lab.hosts[index] ?? assert.fail();
  const docker = async (index: number, ...args: string[]) =>
    (await run('docker', ['-H', `unix://${hostAt(index).socket}`, ...args], { maxBuffer: 1 << 28 })).stdout.trim();
  const joined = (index: number) => hosts.leader.host(hostAt(index).name);
  const gateway = (index: number) => `${hostAt(index).address}:7375`;
  const tunnel = (index: number, more: { token?: string; epoch?: number } = {}) =>
    openTunnel({ ...splitHostPort(gateway(index)), token, epoch: hosts.leader.epoch, ...more });
  /** A hijacked call: its socket after the answer's head. */
  const hijack = async (path: string, body: string) => {
    const socket = await tunnel(0);
    const call = http.request({
      method: 'POST',
      path,
      headers: { Host: 'docker', Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'application/json', 'Content-Length': body.length },
      createConnection: () => socket,
    });
    call.end(body);
    const [, upgraded, head] = (await once(call, 'upgrade')) as [unknown, net.Socket, Buffer];
    if (head.length > 0) upgraded.unshift(head);
    return upgraded;
  };
  const since = async (index: number, act: () => Promise<unknown>, when: (said: readonly AgentMessage[]) => boolean) => {
    const from = (await joined(index)).said.length;
    await act();
    return (await hosts.leader.host(hostAt(index).name, ({ said }) => when(said.slice(from)))).said.slice(from);
  };

  it('gives the Engine’s whole API through an http.Agent, and keeps its connections', async () => {
    const agent = createEngineAgent({ gateway: gateway(0), token, epoch: hosts.leader.epoch, log: quietLog });
    for (let i = 0; i < 5; i++) assert.match((await engineJson<{ ID: string }>({ agent }, { method: 'GET', path: '/info' })).ID, /./);
    assert.equal(agent.freeSockets['engine']?.length, 1);
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => engineRequest({ agent }, { method: 'GET', path: '/containers/none/json' })),
    );
    assert.ok(answers.every(({ status, body }) => status === 404 && body.toString().includes('No such container: none')));
    assert.ok((agent.freeSockets['engine']?.length ?? 0) <= 32);
    agent.destroy();
    await assert.rejects(engineRequest({ agent }, { method: 'GET', path: '/_ping' }));
  });

  it('carries 50 MB through a hijacked exec and back, half-close included', async () => {
    await docker(0, 'run', '-d', '--name', 'echo', 'busybox', 'sleep', '1000');
    const exec = await engineJson<{ Id: string }>(
      { socketPath: hostAt(0).socket },
      { method: 'POST', path: '/containers/echo/exec', body: { AttachStdin: true, AttachStdout: true, Tty: false, Cmd: ['sha256sum'] } },
    );
    const socket = await hijack(`/exec/${exec.Id}/start`, JSON.stringify({ Detach: false, Tty: false }));
    const data = randomBytes(50 * 1024 * 1024);
    const answer: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answer.push(chunk));
    socket.end(data); // the sum is printed only after stdin has ended
    await once(socket, 'end');
    assert.match(Buffer.concat(answer).toString('latin1'), new RegExp(createHash('sha256').update(data).digest('hex')));
    await docker(0, 'rm', '-f', 'echo');
  });

  it('attaches, and every byte of 50 MB of output arrives', async () => {
    await docker(0, 'create', '--log-driver', 'none', '--name', 'loud', 'busybox', 'sh', '-c', 'yes 0123456789abcde | head -c 52428800');
    const socket = await hijack('/containers/loud/attach?stream=1&stdout=1', '');
    await docker(0, 'start', 'loud');
    let frames = Buffer.alloc(0);
    let bytes = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      frames = Buffer.concat([frames, chunk]);
      while (frames.length >= 8 && frames.length >= 8 + frames.readUInt32BE(4)) {
        bytes += frames.readUInt32BE(4);
        frames = frames.subarray(8 + frames.readUInt32BE(4));
      }
    }
    assert.equal(bytes, 52_428_800);
  });

  it('refuses a wrong token, a missing epoch and any other path', async () => {
    await assert.rejects(tunnel(0, { token: 'wrong' }), { kind: 'unauthorized' });
    await assert.rejects(tunnel(0, { epoch: Number.NaN }), { kind: 'not-leader' });
    const answer = await fetch(`http://${gateway(0)}/containers/json`);
    assert.equal(answer.status, 404);
    assert.match(((await answer.json()) as { message: string }).message, /use GET \/engine/);
  });

  it('connects to a port of its host, loopback included, with the same token and epoch; a closed port is reported as closed', async () => {
    await docker(0, 'run', '-d', '--name', 'web', '-p', '127.0.0.1:8080:80', 'busybox', 'httpd', '-f', '-p', '80');
    const open = (address: string, port: number, more = {}) =>
      openTunnel({ ...splitHostPort(gateway(0)), token, epoch: hosts.leader.epoch, to: { address, port }, ...more });
    await until('it listens', async () => (await docker(0, 'exec', 'web', 'netstat', '-tln')).includes(':80 '));
    const socket = await open('127.0.0.1', 8080);
    socket.end('GET / HTTP/1.0\r\n\r\n');
    let said = '';
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) said += chunk;
    assert.match(said, /^HTTP\/1\.\d 404/);
    await assert.rejects(open('127.0.0.1', 8081), { kind: 'unavailable', message: /the port does not answer: .*ECONNREFUSED/ });
    await assert.rejects(open('localhost', 8080), { kind: 'unavailable', message: /no such tunnel/ });
    await assert.rejects(open('127.0.0.1', 8080, { token: 'wrong' }), { kind: 'unauthorized' });
    await docker(0, 'rm', '-f', 'web');
  });

  it('hangs up on a client that does not finish its headers', async () => {
    const socket = net.connect({ ...splitHostPort(gateway(0)) });
    socket.write('GET /engine HTTP/1.1\r\nHost: x\r\n');
    socket.on('data', () => undefined);
    await once(socket, 'close', { signal: AbortSignal.timeout(60_000) });
  });

  it('names the host that does not answer', async () => {
    await assert.rejects(openTunnel({ host: hostAt(0).address, port: 9, token, epoch: 1 }), {
      kind: 'unavailable',
      message: new RegExp(hostAt(0).address),
    });
  });

  it('sends facts first, then the event that caused them', async () => {
    const isOf = (m: AgentMessage, action: string) =>
      m.type === 'event' && m.event.Type === 'container' && m.event.Action === action && m.event.Actor.Attributes['name'] === 'brief';
    const said = await since(
      0,
      () => docker(0, 'run', '--name', 'brief', 'busybox', 'true'),
      (all) => all.some((m) => isOf(m, 'die')),
    );
    for (const action of ['create', 'start', 'die']) {
      const at = said.findIndex((m) => isOf(m, action));
      assert.ok(at > 0, `${action}: ${JSON.stringify(said)}`);
      const facts = said
        .slice(0, at)
        .flatMap((m) => (m.type === 'containers' ? m.upserts : []))
        .at(-1);
      assert.equal(facts?.inspect.Name, '/brief');
      if (action === 'die') assert.equal(facts?.inspect.State.Status, 'exited');
    }
    const gone = await since(
      0,
      () => docker(0, 'rm', 'brief'),
      (all) => all.some((m) => isOf(m, 'destroy')),
    );
    const earlier = gone.slice(
      0,
      gone.findIndex((m) => isOf(m, 'destroy')),
    );
    assert.equal(new Set(earlier.flatMap((m) => (m.type === 'containers' ? m.removes : []))).size, 1);
  });

  it('answers a sync after the facts that it asked for', async () => {
    const host = await joined(0);
    const from = host.said.length;
    const id = await docker(0, 'create', '--name', 'synced', 'busybox');
    await host.call({ method: 'sync', containers: [id], images: true, volumes: true });
    const said = host.said.slice(from);
    assert.ok(said.some((m) => m.type === 'containers' && m.upserts.some(({ summary }) => summary.Id === id)));
    assert.ok(said.some((m) => m.type === 'images') && said.some((m) => m.type === 'volumes'));
    await docker(0, 'rm', 'synced');
    await host.call({ method: 'sync', containers: [id] });
    assert.ok(host.said.some((m) => m.type === 'containers' && m.removes.includes(id)));
  });

  it('sends volumes and images that appear and disappear', async () => {
    const volumes = (all: readonly AgentMessage[]) => all.flatMap((m) => (m.type === 'volumes' ? [m.volumes] : [])).at(-1);
    await since(
      0,
      () => docker(0, 'volume', 'create', 'data'),
      (all) => volumes(all)?.some(({ Name }) => Name === 'data') === true,
    );
    await since(
      0,
      () => docker(0, 'volume', 'rm', 'data'),
      (all) => volumes(all)?.every(({ Name }) => Name !== 'data') === true,
    );
    const tags = (all: readonly AgentMessage[]) =>
      all
        .flatMap((m) => (m.type === 'images' ? [m.images] : []))
        .at(-1)
        ?.flatMap(({ RepoTags }) => RepoTags ?? []);
    await since(
      0,
      () => docker(0, 'tag', 'busybox', 'only-here:1'),
      (all) => tags(all)?.includes('only-here:1') === true,
    );
  });

  it('reads a burst of container starts in a few batches', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `burst${i}`);
    await Promise.all(names.map((name) => docker(0, 'create', '--name', name, 'busybox', 'sleep', '1000')));
    const ids = new Set<string>();
    const said = await since(
      0,
      () => docker(0, 'start', ...names),
      (all) => {
        for (const m of all) if (m.type === 'event' && m.event.Action === 'start') ids.add(m.event.Actor.ID);
        return ids.size === names.length;
      },
    );
    const reads = said.flatMap((m) => (m.type === 'containers' ? m.upserts : [])).length;
    assert.ok(reads <= names.length * 4, `${reads} reads for ${names.length} starts`);
    await docker(0, 'rm', '-f', ...names);
  });

  it('copies an image from the host that has it, once for all who ask, and says clearly when it cannot', async () => {
    const host = await joined(1);
    await assert.rejects(host.call({ method: 'copy-image', reference: 'nowhere:1', gateway: gateway(0) }), {
      kind: 'engine',
      engineStatus: 404,
    });
    await assert.rejects(host.call({ method: 'copy-image', reference: 'only-here:1', gateway: `${hostAt(0).address}:9` }), {
      kind: 'unavailable',
    });
    await run('sh', [
      '-c',
      `printf 'FROM busybox\\nRUN head -c 30000000 /dev/urandom >/blob\\n' | DOCKER_BUILDKIT=0 docker -H unix://${hostAt(0).socket} build -q -t layered:1 -`,
    ]);
    const both = [1, 2].map(() => host.call({ method: 'copy-image', reference: 'layered:1', gateway: gateway(0) }));
    await Promise.all(both);
    assert.equal(
      await docker(1, 'image', 'inspect', '-f', '{{.Id}}', 'layered:1'),
      await docker(0, 'image', 'inspect', '-f', '{{.Id}}', 'layered:1'),
    );
  });

  it('sends of an image only the layers that are missing there, whatever the Engine calls them in its archive', async () => {
    const host = await joined(1);
    let bytes = 0;
    const relay = net.createServer((client) => {
      const upstream = net.connect(7375, hostAt(0).address);
      upstream.on('data', (chunk: Buffer) => (bytes += chunk.length));
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    });
    await once(relay.listen(0, hosts.lab.gateway), 'listening');
    const { port } = relay.address() as net.AddressInfo;
    const build = (tag: string, from: string, step: string) =>
      run('sh', [
        '-c',
        `printf 'FROM ${from}\\nRUN ${step}\\n' | DOCKER_BUILDKIT=0 docker -H unix://${hostAt(0).socket} build -q -t ${tag} -`,
      ]);
    const copied = async (reference: string) => {
      bytes = 0;
      await host.call({ method: 'copy-image', reference, gateway: `${hosts.lab.gateway}:${port}` });
      return bytes;
    };
    try {
      await build('thick:1', 'busybox', 'head -c 20000000 /dev/urandom >/blob');
      await build('thick:2', 'thick:1', 'head -c 100000 /dev/urandom >/small');
      assert.ok((await copied('thick:1')) > 20_000_000, 'the first needs all but busybox');
      assert.ok((await copied('thick:2')) < 2_000_000, `${bytes} bytes for a small layer on top`);
      assert.equal(
        (await docker(1, 'run', '--rm', '--network', 'none', 'thick:2', 'sh', '-c', 'wc -c < /blob; wc -c < /small')).replaceAll('\n', ' '),
        '20000000 100000',
      );
      // what it would count on is gone: all of it is sent
      await docker(1, 'rmi', 'thick:1', 'thick:2');
      assert.ok((await copied('thick:2')) > 20_000_000);
    } finally {
      relay.close();
    }
  });

  it('gives images only to who has the token and a current epoch, and says what is wrong with a request', async () => {
    const ask = async (body: unknown, more: Record<string, string> = {}) => {
      const headers = { Authorization: `Bearer ${token}`, 'Arpanet-Epoch': String(hosts.leader.epoch), ...more };
      const answer = await fetch(`http://${gateway(0)}/image`, { method: 'POST', headers, body: JSON.stringify(body) });
      await answer.arrayBuffer();
      return answer.status;
    };
    const right = { reference: 'busybox:latest', without: [] };
    assert.equal(await ask(right), 200);
    assert.equal(await ask(right, { Authorization: 'Bearer wrong' }), 401);
    assert.equal(await ask(right, { 'Arpanet-Epoch': '0' }), 409);
    assert.equal(await ask({ reference: 'busybox:latest', without: ['x'] }), 400);
    assert.equal(await ask({ ...right, more: 'x'.repeat(100_000) }), 413);
    assert.equal(await ask({ ...right, reference: 'nobody:1' }), 404);
  });

  it('reports that its Engine is unreachable, keeps running, and reads everything again when the Engine is back', async () => {
    await since(
      0,
      () => hosts.lab.stopEngine(hostAt(0)),
      (all) => all.some((m) => m.type === 'engine' && !m.alive),
    );
    const host = await joined(0);
    await assert.rejects(host.call({ method: 'sync', containers: ['x'] }), { kind: 'unavailable' });
    await assert.rejects(tunnel(0), { kind: 'unavailable', message: /the Docker Engine does not answer/ });
    await since(
      0,
      () => hosts.lab.startEngine(hostAt(0)),
      (all) => all.some((m) => m.type === 'snapshot'),
    );
    (await tunnel(0)).destroy();
  });

  it('comes back to a leader that hangs up, with a whole snapshot', async () => {
    const before = hosts.leader.hellos(hostAt(1).name);
    (await joined(1)).hangUp();
    const host = await hosts.leader.host(
      hostAt(1).name,
      ({ snapshot }) => hosts.leader.hellos(hostAt(1).name) > before && snapshot !== undefined,
    );
    assert.ok(host.snapshot?.images.some(({ RepoTags }) => RepoTags?.includes('layered:1')));
  });

  it('leaves a leader that has become silent', async () => {
    await hosts.leader.host(hostAt(1).name, ({ said }) => said.some(({ type }) => type === 'beat'));
    const before = hosts.leader.hellos(hostAt(1).name);
    hosts.leader.answersBeats = false;
    await hosts.leader.host(hostAt(1).name, () => hosts.leader.hellos(hostAt(1).name) > before);
    hosts.leader.answersBeats = true;
  });

  it('closes tunnels of a lower epoch when it sees a higher one, and refuses them from then on, also after a restart', async () => {
    const old = await tunnel(1);
    const ended = new Promise((resolve) => old.once('close', resolve));
    old.on('error', () => undefined).resume();
    (await tunnel(1, { epoch: hosts.leader.epoch + 1 })).destroy();
    await ended;
    await assert.rejects(tunnel(1), { kind: 'not-leader', message: /has seen epoch 2/ });
    await hosts.stopAgent(1, 'SIGKILL');
    hosts.leader.epoch = 2;
    await hosts.startAgent(1);
    await assert.rejects(tunnel(1, { epoch: 1 }), { kind: 'not-leader' });
    (await tunnel(1)).destroy();
  });

  it('does not serve a leader whose epoch is over', async () => {
    hosts.leader.epoch = 1;
    const before = hosts.leader.hellos(hostAt(1).name);
    (await joined(1)).hangUp();
    const hellos = () => hosts.leader.hellos(hostAt(1).name);
    await hosts.leader.host(hostAt(1).name, () => hellos() > before + 1); // it drops us, again and again
    const outdated = hellos();
    hosts.leader.epoch = 2;
    const host = await hosts.leader.host(hostAt(1).name, ({ said }) => hellos() > outdated && said.some(({ type }) => type === 'beat'));
    await host.call({ method: 'sync', volumes: true });
  });

  it('logs why the cluster refuses it and goes on trying, slowly', async () => {
    await hosts.stopAgent(1);
    await hosts.startAgent(1, { token: 'wrong' });
    await until('it says why', () => /wrong join token.*the cluster refuses this host/.test(hosts.agentLog(1)));
    const tries = () => hosts.agentLog(1).split('the cluster refuses this host').length - 1;
    const beganMs = performance.now();
    await new Promise((wake) => setTimeout(wake, 3_000));
    const seconds = (performance.now() - beganMs) / 1_000;
    assert.ok(tries() <= Math.max(2, (2 * seconds) / 3 - 0.5), `${tries()} times within ${seconds} s`);
    await hosts.stopAgent(1);
    await hosts.startAgent(1);
  });

  it('leaves containers alone when it stops', async () => {
    const id = await docker(1, 'run', '-d', 'busybox', 'sleep', '1000');
    await hosts.stopAgent(1);
    assert.equal(await docker(1, 'inspect', '-f', '{{.State.Running}}', id), 'true');
  });
});
