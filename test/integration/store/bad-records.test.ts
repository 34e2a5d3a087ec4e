/**
 * One bad record of each kind, bad in each way, in both stores, in messages of agents and in labels: it costs itself alone. Afterwards every list,
 * the names, a create, the next leader and an agent that comes back are as they were, and the record is named and can be deleted.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { keys, type NameTable } from '../../../src/model/index.ts';
import type { StateStore } from '../../../src/store/index.ts';
import { recordProblem } from '../../../src/store/ledger/record-check.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { hex, image } from '../../support/fakes/fake-engine.ts';
import { BADNESS, GOOD_RECORDS, ODD_RECORDS, type StoredFields } from '../../support/fakes/good-records.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';
import { type Place, PLACES } from '../../support/fakes/store-places.ts';

const LISTS = [
  '/v1.41/containers/json?all=1',
  '/v1.41/containers/json?all=1&size=1',
  '/v1.41/networks',
  '/v1.41/volumes',
  '/v1.41/images/json',
  '/v1.41/services',
  '/v1.41/services?status=1',
  '/v1.41/tasks',
  '/v1.41/nodes',
  '/v1.41/secrets',
  '/v1.41/configs',
  '/v1.41/info',
  '/v1.41/version',
  '/v1.41/system/df',
  '/arpanet/v1/status',
  '/arpanet/v1/hosts',
  '/arpanet/v1/services',
  '/arpanet/v1/networks',
  '/arpanet/v1/names',
  '/arpanet/v1/records',
  '/arpanet/v1/config',
  '/arpanet/v1/backup',
];

/** Those for which Engines are asked at the time. */
const ASK_ENGINES = ['/v1.41/containers/json?all=1&size=1', '/v1.43/images/json?shared-size=1', '/v1.41/system/df'];

const until = (what: string, check: () => unknown) => untilWithin(what, check);

/** Agents that connect at the same time. */
const AT_ONCE = 10;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
const ok = ({ status, body }: Answer, what: string): unknown => {
  assert.ok(status >= 200 && status < 300, `${what}: ${status} ${JSON.stringify(body)?.slice(0, 300)}`);
  return body;
};
const lastTable = (agent: FakeAgent): NameTable | undefined =>
  agent.told.flatMap((message) => (message.type === 'names' ? [message.table] : [])).at(-1);

for (const [storeName, start] of Object.entries(PLACES)) {
  describe(`over ${storeName}`, { timeout: 600_000 }, () => {
    let place: Place;
    let store: StateStore;
    let leader: SmallScheduler;
    let agents: readonly FakeAgent[];
    let terms = 0;
    let made = 0;

    const call = async (method: string, path: string, body?: unknown) => ok(await leader.call(method, path, body), `${method} ${path}`);
    const status = async () =>
      (await call('GET', '/arpanet/v1/status')) as { warnings: string[]; hosts: { name: string; state: string }[] };

    /** The one before ends first. */
    async function nextLeader(): Promise<void> {
      await leader?.[Symbol.asyncDispose]();
      leader = await startSmallScheduler(`s${++terms}`, place.settings);
      await until('a leader is known', async () => (await leader.call('GET', '/arpanet/v1/token')).status === 200);
      for (const agent of agents) await agent.dial(leader.url);
      await leader.ready();
      await until(
        'the hosts are alive',
        async () => (await status()).hosts.filter(({ state }) => state === 'alive').length >= agents.length,
      );
    }

    /** Everything that a neighbour could notice. */
    async function assertNeighboursWell(what: string): Promise<void> {
      await assertAllLists(what);
      const names = async () => JSON.stringify(await call('GET', '/v1.41/containers/json?all=1'));
      assert.match(await names(), /"\/shop-web-1"/, what);
      assert.match(JSON.stringify(await call('GET', '/v1.41/networks')), /"Name":"shop_front"/, what);
      assert.match(JSON.stringify(await call('GET', '/v1.41/volumes')), /"Name":"shop_data"/, what);
      assert.match(JSON.stringify(await call('GET', '/v1.41/services')), /"Name":"shop_api"/, what);
      assert.match(JSON.stringify(await call('GET', '/v1.41/secrets')), /"Name":"shop_key"/, what);
      for (const agent of agents) {
        await until(`${what}: ${agent.name} knows the name`, () => lastTable(agent)?.instances.some(({ id }) => id === '1.web.shop'));
        assert.ok(lastTable(agent)?.instances.every(({ addresses }) => Object.keys(addresses).length > 0));
      }
      if ((await place.catalog()) !== undefined)
        await until(`${what}: the catalog has the name`, async () => (await place.catalog())?.includes('web.shop'));
      const name = `made-${++made}`;
      const network = `shop_net${made}`;
      await call('POST', '/v1.41/networks/create', { Name: network });
      await call('POST', `/v1.41/containers/create?name=${name}`, { Image: 'busybox', HostConfig: { NetworkMode: network } });
      await call('POST', `/v1.41/containers/${name}/start`);
      await call('DELETE', `/v1.41/containers/${name}?force=1`);
      await call('DELETE', `/v1.41/networks/${network}`);
    }

    async function assertAllLists(what: string, paths = LISTS): Promise<void> {
      const answers = await Promise.all(paths.map(async (path) => [path, await leader.call('GET', path)] as const));
      for (const [path, answer] of answers) ok(answer, `${what}: ${path}`);
    }

    async function agentComesBack(agent: FakeAgent): Promise<void> {
      agent.hangUp();
      agent.told.length = 0;
      await agent.dial(leader.url);
      await until(`${agent.name} is welcome`, () => agent.told.some(({ type }) => type === 'welcome'));
      await until(`${agent.name} gets the names`, () => lastTable(agent)?.instances.some(({ id }) => id === '1.web.shop'));
    }

    before(async () => {
      place = await start();
      store = await place.open();
      agents = await Promise.all(
        [1, 2].map((n) => startFakeAgent({ name: `m${n}`, token: JOIN_TOKEN, address: `10.9.0.${n}`, apiVersion: '1.43' })),
      );
      for (const agent of agents) agent.engine.images.push(image('busybox:latest', `sha256:${'b'.repeat(64)}`));
      await nextLeader();
      await call('POST', '/v1.41/networks/create', { Name: 'shop_front', Labels: { 'com.docker.compose.project': 'shop' } });
      await call('POST', '/v1.41/volumes/create', { Name: 'shop_data' });
      await call('POST', '/v1.41/secrets/create', { Name: 'shop_key', Data: 'QQ==' });
      await call('POST', '/v1.41/services/create', {
        Name: 'shop_api',
        Mode: { Replicated: { Replicas: 0 } },
        TaskTemplate: { ContainerSpec: { Image: 'busybox' } },
      });
      // one on each host: an agent is sent the names that its containers may ask for
      for (const [n, host] of ['m1', 'm2'].entries()) {
        const name = `shop-web-${n + 1}`;
        const Labels = {
          'com.docker.compose.project': 'shop',
          'com.docker.compose.service': 'web',
          'com.docker.compose.container-number': String(n + 1),
          'arpanet.constraints': JSON.stringify([`node==${host}`]),
        };
        const Binds = n === 0 ? ['shop_data:/data'] : [];
        await call('POST', `/v1.41/containers/create?name=${name}`, {
          Image: 'busybox',
          Labels,
          HostConfig: { NetworkMode: 'shop_front', Binds },
        });
        await call('POST', `/v1.41/containers/${name}/start`);
      }
      await assertNeighboursWell('at the beginning');
    });
    after(async () => {
      await leader?.[Symbol.asyncDispose]();
      await Promise.all((agents ?? []).map((agent) => agent[Symbol.asyncDispose]()));
      await store?.[Symbol.asyncDispose]();
      await place?.close();
    });

    const records: (readonly [badness: string, bad: readonly (readonly [key: string, value: unknown])[]])[] = Object.entries(BADNESS).map(
      ([badness, spoil]) => [
        badness,
        [
          ...Object.entries(GOOD_RECORDS).map(([key, good]) => [key, spoil(good)] as const),
          [keys.setting('lease-rest'), spoil({ a: 'b' })],
        ],
      ],
    );
    for (const [badness, bad] of [...records, ['content that cannot be', Object.entries(ODD_RECORDS)] as const])
      it(`records that are ${badness} cost themselves alone, are named, and can be deleted`, async () => {
        await leader[Symbol.asyncDispose]();
        for (const [key, value] of bad) await store.transact([{ op: 'set', key, value }]);
        if (place.raw !== undefined) await place.raw(keys.volume('no-json'), '['.repeat(100_000));
        await nextLeader();
        await assertNeighboursWell(badness);
        for (const agent of agents) await agentComesBack(agent);
        const wanted = bad
          .filter(([key, value]) => recordProblem(key, JSON.parse(JSON.stringify(value))) !== undefined)
          .map(([key]) => key);
        assert.ok(wanted.length >= 13, `${badness}: ${wanted.length} kinds are unreadable`);
        const { warnings } = await status();
        for (const key of wanted)
          assert.ok(
            warnings.some((text) => text.includes(`the record ${key} cannot be read`)),
            `${badness}: ${key}`,
          );
        if (badness === 'null') {
          const { findings } = (await call('GET', '/arpanet/v1/audit')) as { findings: { what: string }[] };
          for (const key of wanted)
            assert.ok(
              findings.some(({ what }) => what.includes(key)),
              `audit: ${key}`,
            );
        }
        // with a network went its leases
        for (const key of wanted) if ((await store.get(key)) !== undefined) await call('POST', '/arpanet/v1/audit/discard', { key });
        if (place.raw !== undefined) await call('POST', '/arpanet/v1/audit/discard', { key: keys.volume('no-json') });
        assert.deepEqual(
          (await status()).warnings.filter((text) => text.includes('cannot be read')),
          [],
        );
        for (const key of wanted) assert.equal(await store.get(key), undefined, key);
      });

    it('a record that cannot be read is removed by its name, as any other is, or by the command that status names', async () => {
      await leader[Symbol.asyncDispose]();
      const kept: readonly (readonly [key: string, path: string])[] = [
        [keys.service('abc', 'web'), '/services/abc_web'],
        [keys.network('n1'), '/networks/abc_default'],
        [keys.volume('data'), '/volumes/data'],
        [keys.container('abc_web_1'), '/containers/abc_web_1'],
        [keys.secret('secret', 's1'), '/secrets/key'],
        [keys.secret('config', 'c1'), '/configs/conf'],
      ];
      const spoilt = (key: string) => ({ ...GOOD_RECORDS[key], createdAtMs: 'x' });
      for (const [key] of kept) await store.transact([{ op: 'set', key, value: spoilt(key) }]);
      const other = keys.tag('web:latest');
      await store.transact([{ op: 'set', key: other, value: null }]);
      await nextLeader();
      for (const [key, path] of kept) {
        await call('DELETE', `/v1.41${path}`);
        assert.equal(await store.get(key), undefined, key);
        assert.equal((await leader.call('DELETE', `/v1.41${path}`)).status, 404, path);
      }
      const lines: string[] = [];
      const run = async (...words: readonly string[]): Promise<number> => {
        const say = (text: string) => void lines.push(text);
        const paced = async (text: string) => {
          say(text);
          return true;
        };
        const terminal = {
          env: { ARPANET_ENDPOINT: leader.url.replace('http', 'tcp') },
          out: say,
          paced,
          say,
          isTerminal: false,
          columns: undefined,
        };
        await arpanetProgram(terminal).parseAsync(words, { from: 'user' });
        const code = Number(process.exitCode ?? 0);
        process.exitCode = 0;
        return code;
      };
      assert.equal(await run('status'), 3);
      const command = /"arpanet (audit --discard [^"]+)" deletes it/.exec(lines.join('\n'))?.[1] ?? assert.fail(lines.join('\n'));
      assert.equal(command, `audit --discard ${other}`);
      await run(...command.split(' '));
      assert.equal(await store.get(other), undefined);
      await assert.rejects(run(...command.split(' ')), /is set aside/);
      assert.deepEqual(
        lines.filter((line) => line.includes('no such')),
        [],
      );
    });

    // the rest has nothing to do with the store
    if (storeName !== 'Consul') return;

    it('a request that would be a bad record is refused in an Engine’s words', async () => {
      const refused = async (path: string, body: object) => {
        const { status, body: answer } = await leader.call('POST', path, body);
        assert.equal(status, 400, JSON.stringify(answer));
        return (answer as { readonly message: string }).message;
      };
      const spec = { Name: 'bad', TaskTemplate: { ContainerSpec: { Image: 'busybox', Env: 'abc' } } };
      assert.match(await refused('/v1.41/services/create', spec), /json: cannot unmarshal string into Go .*Env of type \[\]string/);
      const endpoint = { Container: 'shop-web-1', EndpointConfig: { Aliases: [5] } };
      assert.match(
        await refused('/v1.41/networks/shop_front/connect', endpoint),
        /json: cannot unmarshal number into Go .*Aliases of type string/,
      );
      await assertNeighboursWell('after refused requests');
    });

    it('what an Engine answers costs its host’s part of the answer alone', async () => {
      const { answers } = agents[1]?.engine ?? assert.fail();
      const shown = { Id: 'x', Names: ['/x'], Image: 'x', Labels: {}, SizeRw: 5 };
      for (const [badness, spoil] of Object.entries(BADNESS)) {
        const bad = spoil(shown);
        for (const list of [bad, [bad], [null, 5, bad]]) {
          answers.set('GET /containers/json', list);
          answers.set('GET /images/json', list);
          answers.set('GET /system/df', list);
          await assertAllLists(`${badness}, a list`, ASK_ENGINES);
          answers.set('GET /system/df', {
            LayersSize: bad,
            Images: list,
            Containers: list,
            Volumes: list,
            BuildCache: list,
            BuilderSize: 'x',
          });
          await assertAllLists(`${badness}, in an object`, ASK_ENGINES);
        }
      }
      answers.clear();
      await assertNeighboursWell('after the answers of an Engine');
    });

    it('labels that say what cannot be cost their container alone', async () => {
      const [agent = assert.fail()] = agents;
      const labelled = { deployment: 'shop', service: 'web', number: 1, addresses: { n1: '10.32.0.9' }, aliases: { n1: [] }, links: [] };
      const texts = ['{', '['.repeat(50_000), ...Object.values(BADNESS).map((spoil) => JSON.stringify(spoil(labelled)))];
      const ids = texts.map((text, n) => {
        const id = hex();
        const Labels = {
          'arpanet.record': text,
          'arpanet.request': text,
          'com.docker.compose.project': text.slice(0, 50),
          'arpanet.constraints': text,
        };
        agent.engine.containers.set(id, {
          id,
          name: `odd-${n}`,
          request: { Image: 'busybox', Labels },
          status: 'running',
          networks: new Map(),
          driverOptions: new Map(),
        });
        return id;
      });
      agent.say({ type: 'containers', upserts: ids.flatMap((id) => agent.engine.facts(id) ?? []), removes: [] });
      await until('they are listed', async () => JSON.stringify(await call('GET', '/v1.41/containers/json?all=1')).includes('/odd-11'));
      await assertNeighboursWell('with odd labels');
      await agentComesBack(agent);
      await nextLeader();
      await assertNeighboursWell('with odd labels, under the next leader');
      for (const id of ids) await call('DELETE', `/v1.41/containers/${id}?force=1`);
      await assertNeighboursWell('without them');
    });

    it('messages of agents cost their host alone', async () => {
      const { errors } = leader;
      const messages: readonly StoredFields[] = [
        { type: 'hello', facts: { name: 'w0' }, epoch: 0, networks: 0 },
        { type: 'snapshot', snapshot: { containers: [], images: [], volumes: [], networks: [] } },
        { type: 'beat', load: { cpu: 0.1, memoryUsedBytes: 1, memoryTotalBytes: 2 } },
        { type: 'containers', upserts: [], removes: [] },
        { type: 'images', images: [] },
        { type: 'volumes', volumes: [] },
        { type: 'networks', networks: [] },
        { type: 'event', event: { Type: 'container', Action: 'die', Actor: { ID: 'x', Attributes: {} }, time: 1, timeNano: 1 } },
        { type: 'engine', alive: true, why: '' },
        { type: 'done', call: 1, result: {} },
      ];
      const odd = messages.flatMap((message) =>
        Object.values(BADNESS).map((spoil) => ({ ...(spoil(message) as object), type: message['type'] })),
      );
      const send = async (message: object, n: number) => {
        const agent = await startFakeAgent({ name: `w${n}`, token: JOIN_TOKEN, address: `10.8.0.${n + 1}` });
        await agent.dial(leader.url);
        await until(`w${n} is welcome`, () => agent.told.some(({ type }) => type === 'welcome' || type === 'refused'));
        agent.say(message as never);
        await until(`w${n} is refused: ${JSON.stringify(message).slice(0, 80)}`, () => agent.told.some(({ type }) => type === 'refused'));
        await agent[Symbol.asyncDispose]();
        await call('POST', `/arpanet/v1/hosts/w${n}/rm`, { force: true });
      };
      for (let n = 0; n < odd.length; n += AT_ONCE) await Promise.all(odd.slice(n, n + AT_ONCE).map((message, i) => send(message, n + i)));
      await assertNeighboursWell('with odd messages');
      for (const agent of agents) await agentComesBack(agent);
      assert.deepEqual(
        errors.filter((text) => !text.includes('malformed message')),
        [],
      );
      await nextLeader();
      await assertNeighboursWell('after odd messages, under the next leader');
    });
  });
}
