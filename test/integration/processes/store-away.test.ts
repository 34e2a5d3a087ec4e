/** A scheduler whose store cannot be used from the start: it says what it tried and why that failed, once, to everybody who asks, and leads when it can. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/cluster/cluster.ts';
import { type RunningConsul, startConsul } from '../../support/servers/consul.ts';
import { slowConsul, standInLeader } from '../../support/servers/slow-consul.ts';
import { startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { BUSYBOX } from '../../support/fakes/fake-cluster.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const MASTER = '6c2f4d0e-6a33-4a0d-9b1d-1a5f3d6c7e88';

describe('a scheduler whose store cannot be used', { timeout: 600_000, concurrency: true }, () => {
  let away: RunningConsul;
  let strict: RunningConsul;
  let quick: RunningConsul;
  let other: Server;
  const all: SmallScheduler[] = [];
  before(async () => {
    [away, strict, quick] = await Promise.all([startConsul({ persistent: true }), startConsul({ masterToken: MASTER }), startConsul()]);
    await away.kill();
    other = createServer((_req, res) => res.writeHead(404).end('<h1>a shop</h1>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    await Promise.all(all.map((scheduler) => scheduler[Symbol.asyncDispose]()));
    await Promise.all([away?.stop(), strict?.stop(), quick?.stop()]);
    other?.close();
  });

  async function start(address: string, token?: string): Promise<SmallScheduler> {
    const scheduler = await startSmallScheduler(`s${all.length}`, { kind: 'consul', address, token });
    all.push(scheduler);
    return scheduler;
  }
  const leads = (scheduler: SmallScheduler) => scheduler.ready();
  const saysSo = (line: string) => line.startsWith('cannot lead');

  /** Ping and status answer with the reason, and the log has it in one line, however often it was tried. */
  async function saysWhy(scheduler: SmallScheduler, reason: RegExp): Promise<void> {
    const message = async (path: string): Promise<string> => {
      const { status, body } = await scheduler.call('GET', path);
      return status === 503 ? (body as { message: string }).message : '';
    };
    await until('ping says why', async () => reason.test(await message('/_ping')));
    // each waits 10 s for a leader; the pauses are 0.5, 1, 2 and 3 s meanwhile
    const others = await Promise.all(['/arpanet/v1/status', '/containers/json'].map(message));
    for (const said of others) assert.match(said, reason);
    const { errors } = scheduler;
    assert.ok(
      errors.every((line) => saysSo(line) && line.endsWith('; trying again')),
      errors.join('\n'),
    );
    assert.ok(errors.some((line) => reason.test(line)));
    // on a busy machine a try may fail for another reason, such as no answer in time: that is a line, too
    const repeated = errors.filter((line, at) => reason.test(line) && reason.test(errors[at - 1] ?? ''));
    assert.deepEqual(repeated, [], errors.join('\n'));
    assert.ok(errors.length <= 3, errors.join('\n'));
  }

  it('says so when nothing listens there, and leads when Consul has come', async () => {
    const scheduler = await start(away.http);
    await saysWhy(
      scheduler,
      /the state store is unreachable: Consul at 127\.0\.0\.1:\d+ does not answer: connect ECONNREFUSED 127\.0\.0\.1:\d+/,
    );
    await away.revive();
    await leads(scheduler);
    assert.equal((await scheduler.call('GET', '/_ping')).body, 'OK');
  });

  it('says so when the token is wrong or missing, and leads with the right one', async () => {
    await Promise.all([
      saysWhy(await start(strict.http, 'no-such-token'), /answered 403 to \w+ \/\S+: .*\(is the token right\?\)/),
      saysWhy(await start(strict.http), /answered 403 to \w+ \/\S+: .*\(no token is given\)/),
    ]);
    await leads(await start(strict.http, MASTER));
  });

  it('says so when the address is that of something else', async () => {
    const { port } = other.address() as AddressInfo;
    await saysWhy(await start(`127.0.0.1:${port}`), /Consul at 127\.0\.0\.1:\d+ answered 404 to PUT \/session\/create: <h1>a shop<\/h1>/);
  });

  it('needs 2.4 s for each answer, and the leader is killed: another leads, and docker run works', async () => {
    await using slow = await slowConsul(quick.http);
    await using leader = await standInLeader(quick.http);
    const [first, second] = await Promise.all([start(slow.address), start(slow.address)]);
    // they follow
    const follows = async (scheduler: SmallScheduler) => (await scheduler.call('GET', '/arpanet/v1/health')).body;
    for (const scheduler of [first, second])
      await until('it follows', async () => ((await follows(scheduler)) as { role?: string }).role === 'following');
    slow.delayMs = 2_400;
    leader.die();
    assert.equal((await first.call('GET', '/containers/json')).status, 200, 'a request waits for as long as the store takes');
    await using host = await startFakeAgent({ name: 'h1', token: JOIN_TOKEN });
    host.engine.images.push(BUSYBOX);
    const leads = await until('one of them leads', async () => {
      const found = await Promise.all([first, second].map(async (one) => ((await follows(one)) as { role?: string }).role === 'leading'));
      return [first, second].find((_, at) => found[at]);
    });
    await host.dial(leads.url);
    const run = async (path: string, body?: unknown) => first.call('POST', path, body);
    const created = await until('its host has joined', async () => {
      const answer = await run('/containers/create?name=web', { Image: 'busybox' });
      return answer.status === 201 ? answer : undefined;
    });
    assert.equal(created.status, 201);
    assert.equal((await run('/containers/web/start')).status, 204);
  });
});
