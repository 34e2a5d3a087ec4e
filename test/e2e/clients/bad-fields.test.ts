/**
 * Wrong fields, queries, headers and bodies, told to a bare Engine and to a cluster of such Engines: the same status, and the Engine's words where
 * these are Docker's own. EXCEPTIONS lists what differs, and why.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { mapBounded } from '../../../src/async/limit.ts';
import { goStruct } from '../../../src/docker-json/index.ts';
import { type Endpoint, open } from '../../conformance/replay/wire.ts';
import { type Asker, BAD_FIELD_BODIES, type BadBody, BODILESS, jsonOf, SCENE } from '../../support/bad-bodies.ts';
import { fieldsOf, oddFor, textWith, wrongFor } from '../../support/bad-fields.ts';
import { BAD_MOUNTS } from '../../support/bad-mounts.ts';
import { EXCEPTIONS, type Exception, NEWER, OTHER_REGISTRY, type Said } from '../../support/bad-fields-exceptions.ts';
import { BAD_BODIES, BAD_HEADERS, BAD_QUERIES } from '../../support/bad-queries.ts';
import { type Cluster, startCluster } from '../../support/cluster/cluster.ts';
import { type Lab, startLab } from '../../support/cluster/lab.ts';

interface Side extends Asker {
  readonly said: (method: string, path: string, body?: string | Buffer, headers?: Record<string, string>) => Promise<Said>;
}

const AT_ONCE = 6;
/** Every field, and not a sample: some minutes. 1 is the first of each field's odd values, 2 another, and so on to 20. */
const whole = Number(process.env['ARPANET_ALL_FIELDS'] ?? 0);
const isWhole = whole > 0;
const shift = Math.max(whole - 1, 0);
const VERSION = '/v1.41';

function askerOf(
  endpoint: Endpoint,
): Asker & { readonly said: (method: string, path: string, body?: string | Buffer, headers?: Record<string, string>) => Promise<Said> } {
  const send = async (method: string, path: string, body: unknown, headers: Record<string, string>) => {
    const live = await open(endpoint, method, VERSION + path, { ...(body === undefined ? {} : { body }), headers });
    // events go on until their client leaves
    if (path.startsWith('/events') && live.status === 200) live.close();
    await live.ended;
    return { status: live.status, text: Buffer.concat(live.chunks).toString() };
  };
  const json = { 'Content-Type': 'application/json' };
  return {
    ask: (method, path, body) => send(method, path, body, body === undefined ? {} : json),
    async said(method, path, body, headers = body === undefined ? {} : json) {
      const { status, text } = await send(method, path, body, headers).catch((error: unknown) => ({ status: 0, text: String(error) }));
      const message = status < 400 ? '' : text.startsWith('{"message"') ? String(jsonOf(text)['message']) : text;
      return {
        status,
        text,
        message: message
          .replace(/^invalid JSON: /, '')
          .replace(/\b[0-9a-f]{64}\b/g, '<id>')
          .slice(0, 300)
          .trim(),
      };
    },
  };
}

describe('a request with something wrong in it', () => {
  let bare: Lab;
  let cluster: Cluster;
  before(async () => {
    [bare, cluster] = await Promise.all([
      startLab({ count: 1, mixed: false }),
      startCluster({ store: 'embedded', hosts: 2, mixed: false, logLevel: 'warn' }),
    ]);
    const sides = both();
    const inits = ['{"ListenAddr":"127.0.0.1:2377","AdvertiseAddr":"127.0.0.1"}', '{}'];
    for (const [i, side] of sides.entries()) {
      const { status, text } = await side.ask('POST', '/swarm/init', inits[i]);
      assert.equal(status, 200, text);
    }
    for (const side of sides) {
      for (const [path, body] of SCENE) {
        const { status, text } = await side.ask('POST', path, JSON.stringify(body));
        assert.ok(status < 300, `${path}: ${status} ${text}`);
      }
      await side.ask('POST', '/containers/web/start');
    }
  });
  after(async () => {
    await Promise.all([bare?.[Symbol.asyncDispose](), cluster?.[Symbol.asyncDispose]()]);
  });

  const both = () => [askerOf(`unix://${bare.hosts[0]?.socket}`), askerOf(cluster.endpoint)] as const;
  const used = new Set<Exception>();
  const differences: string[] = [];
  const compare = (label: string, docker: Said, ours: Said): void => {
    const [theirs, own] = [docker, ours].map(({ status, message }) => `${status} ${message}`) as [string, string];
    // words of Docker's own code; others are of what an answer is about
    const isSame = docker.status === ours.status && (theirs === own || !/json: |cannot unmarshal|strconv|rpc error/.test(docker.message));
    if (isSame) return;
    const listed = EXCEPTIONS.find((one) => one.label.test(label) && one.when(docker, ours));
    if (listed === undefined) differences.push(`${label}\n    docker:  ${theirs}\n    arpanet: ${own}`);
    else used.add(listed);
  };
  const settled = (what: string): void => {
    const found = differences.splice(0);
    assert.deepEqual(found.slice(0, 60), [], `${found.length} ${what}`);
  };

  it('of a wrong type is refused with the same status and words, in every field of every body', async () => {
    const [docker, ours] = both();
    const rows = BAD_FIELD_BODIES.flatMap((one) =>
      fieldsOf(goStruct(one.struct)).flatMap((field, i) => {
        const wrong = wrongFor(field.type);
        const value = wrong[(i + shift) % wrong.length];
        return value === undefined || NEWER.test(field.path.join('.')) ? [] : [{ one, field, value }];
      }),
    );
    await mapBounded(rows, AT_ONCE, async ({ one, field, value }) => {
      const body = textWith(one.body, field.path, value.text);
      const [theirs, own] = await Promise.all([docker, ours].map(async (side) => tell(one, side, await idlePathOf(one, side), body)));
      if (theirs !== undefined && own !== undefined) compare(`${one.route} ${field.path.join('.')} = ${value.name}`, theirs, own);
    });
    settled('of the wrong types');
  });

  it('of the right type and an odd value has the same status', async () => {
    const [docker, ours] = both();
    const where = (one: BadBody, side: Side) => (one.route === 'POST /containers/create' ? idlePathOf(one, side) : pathOf(one, side));
    // one Engine can be made a swarm only so often in a minute
    for (const one of BAD_FIELD_BODIES.filter(({ route }) => !/\/swarm\/init|\/commit/.test(route))) {
      const fields = fieldsOf(goStruct(one.struct)).map((field, i) => ({ field, odd: oddFor(field.type), i }));
      for (const { field, odd, i } of fields) {
        const value = odd[(i + shift) % odd.length];
        if (value === undefined || NEWER.test(field.path.join('.')) || OTHER_REGISTRY.test(`${one.route} ${field.path.join('.')}`))
          continue;
        // A change of a service or a container takes 100 ms and more.
        const isSlow = one.route.startsWith('POST /services/');
        if (!isWhole && (i + one.route.length) % (isSlow ? 6 : 3) !== 0) continue;
        const body = textWith(one.body, field.path, value.text);
        const [theirs, own] = await Promise.all([docker, ours].map(async (side) => tell(one, side, await where(one, side), body)));
        if (theirs !== undefined && own !== undefined) compare(`${one.route} ${field.path.join('.')} = ${value.name}`, theirs, own);
      }
    }
    settled('of the odd values');
  });

  it('that is no JSON object is refused alike, whatever its type is said to be', async () => {
    const [docker, ours] = both();
    for (const one of BAD_FIELD_BODIES.filter(({ route }) => !/\/swarm\/init/.test(route))) {
      const paths = await Promise.all([docker, ours].map((side) => idlePathOf(one, side)));
      await mapBounded(BAD_BODIES, AT_ONCE, async ([label, body, type]) => {
        const [theirs, own] = await Promise.all(
          [docker, ours].map((side, i) => side.said('POST', paths[i] ?? '', body, { 'Content-Type': type })),
        );
        if (theirs !== undefined && own !== undefined) compare(`${one.route}: ${label}`, theirs, own);
      });
    }
    settled('of the bodies');
  });

  it('where no JSON is read, in its body, has the same status', async () => {
    const [docker, ours] = both();
    await mapBounded([...BODILESS], AT_ONCE, async ([route, path]) => {
      if (path === undefined) return;
      const [method = ''] = route.split(' ');
      for (const [label, body, type] of BAD_BODIES.filter((_, i) => isWhole || i % 7 === 0)) {
        const [theirs, own] = await Promise.all([docker, ours].map((side) => side.said(method, path, body, { 'Content-Type': type })));
        if (theirs !== undefined && own !== undefined) compare(`${route}: ${label}`, theirs, own);
      }
    });
    settled('of the bodies that are no JSON');
  });

  it('in a bind, a mount or a volume of another container is refused in the Engine’s words, or taken; no volume is left over', async () => {
    const [docker, ours] = both();
    const volumes = async () => (await ours.ask('GET', '/volumes')).text.match(/"Name":"[^"]*"/g)?.toSorted();
    const before = await volumes();
    const rows = BAD_MOUNTS.filter(({ refusal }, i) => isWhole || refusal === undefined || i % 8 === 0);
    await mapBounded(rows, AT_ONCE, async ({ host, refusal }) => {
      const body = JSON.stringify({ Image: 'busybox', HostConfig: host });
      const answers = await Promise.all(
        [docker, ours].map(async (side) => {
          const said = await side.said('POST', '/containers/create', body);
          if (said.status === 201) await side.ask('DELETE', `/containers/${String(jsonOf(said.text)['Id'])}?v=1`);
          return refusal === undefined ? `${said.status}` : said.message;
        }),
      );
      if (answers.some((said) => said !== (refusal ?? '201'))) differences.push(`${body}\n    ${answers.join('\n    ')}`);
    });
    settled('of the mounts');
    assert.deepEqual(await volumes(), before);
  });

  it('has its keys read in any case, as by an Engine: nothing lands elsewhere, and nothing gets another name', async () => {
    const found = await Promise.all(
      both().map(async (side) => {
        const post = (path: string, body: string) => side.said('POST', path, body);
        const seen: Record<string, unknown> = {};
        const alone = jsonOf((await post('/containers/create?name=alone', '{"Image":"busybox","HostConfig":{"networkMode":"none"}}')).text);
        const shown = jsonOf((await side.said('GET', `/containers/${String(alone['Id'])}/json`)).text);
        seen['networkMode'] = Object.keys((shown['NetworkSettings'] as { Networks: object }).Networks);
        seen['name'] = jsonOf((await post('/volumes/create', '{"name":"v1"}')).text)['Name'];
        const deep =
          '{"image":"busybox","cmd":["true"],"labels":{"Aa":"b"},"hostconfig":{"PORTBINDINGS":{"80/tcp":[{"hostport":"18080"}]}}}';
        seen['image'] = (await post('/containers/create?name=deep', deep)).status;
        const inDepth = jsonOf((await side.said('GET', '/containers/deep/json')).text);
        seen['labels'] = (inDepth['Config'] as { Labels: object }).Labels;
        seen['ports'] = (inDepth['HostConfig'] as { PortBindings: object }).PortBindings;
        // the Ruby gem
        seen['container'] = [
          (await post('/networks/net/connect', '{"container":"deep"}')).status,
          (await post('/networks/net/disconnect', '{"container":"deep","force":true}')).status,
        ];
        for (const name of ['alone', 'deep']) await side.ask('DELETE', `/containers/${name}?force=1`);
        await side.ask('DELETE', '/volumes/v1');
        return seen;
      }),
    );
    assert.deepEqual(found[1], found[0]);
    assert.deepEqual(found[0], {
      networkMode: ['none'],
      name: 'v1',
      image: 201,
      labels: { Aa: 'b' },
      ports: { '80/tcp': [{ HostIp: '', HostPort: '18080' }] },
      container: [200, 200],
    });
  });

  it('may have more than 512 KB: 10,001 ports and 600 KB of environment make a container, as on an Engine', async () => {
    const ports = Array.from({ length: 10_001 }, (_, i) => `${10_000 + i}/udp`);
    const body = JSON.stringify({
      Image: 'busybox',
      Env: Array.from({ length: 10 }, (_, i) => `V${i}=${randomBytes(45_000).toString('base64')}`),
      ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
      HostConfig: { PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostPort: port.replace('/udp', '') }]])) },
    });
    const shown = await Promise.all(
      both().map(async (side) => {
        const made = await side.said('POST', '/containers/create?name=large', body);
        const { Config, HostConfig } = jsonOf((await side.said('GET', '/containers/large/json')).text) as {
          readonly Config: { readonly Env: readonly string[] };
          readonly HostConfig: { readonly PortBindings: object };
        };
        await side.ask('DELETE', '/containers/large');
        const env = Config.Env.filter((line) => /^V\d=/.test(line));
        return [made.status, env.length, env.join('').length, Object.keys(HostConfig.PortBindings).length];
      }),
    );
    assert.deepEqual(shown, [
      [201, 10, 600_030, 10_001],
      [201, 10, 600_030, 10_001],
    ]);
  });

  it('in its query has the same status', async () => {
    const [docker, ours] = both();
    // an Engine counts its disks for one client at a time
    const isLast = ({ path }: (typeof BAD_QUERIES)[number]) => /\/prune|\/rename|\/system\/df/.test(path);
    const rows = BAD_QUERIES.filter(({ path }) => !path.startsWith('/swarm/leave'));
    const ask = async ({ method, path, label }: (typeof BAD_QUERIES)[number]): Promise<void> => {
      const [theirs, own] = await Promise.all([docker, ours].map((side) => side.said(method, path)));
      if (theirs !== undefined && own !== undefined) compare(label, theirs, own);
    };
    await mapBounded(
      rows.filter((row) => !isLast(row)),
      AT_ONCE,
      ask,
    );
    for (const row of rows.filter(isLast)) await ask(row);
    settled('of the queries');
  });

  it('in its credentials has the same status', async () => {
    const [docker, ours] = both();
    const lines = ['POST /build?dockerfile=x', 'POST /auth', 'GET /distribution/nobody%20x/json'];
    for (const line of lines) {
      const [method = '', path = ''] = line.split(' ');
      await mapBounded(BAD_HEADERS, AT_ONCE, async (header) => {
        const [theirs, own] = await Promise.all([docker, ours].map((side) => side.said(method, path, undefined, header)));
        if (theirs !== undefined && own !== undefined) compare(`${line} ${JSON.stringify(header).slice(0, 60)}`, theirs, own);
      });
    }
    settled('of the credentials');
  });

  it('differs in nothing else than the exceptions that are listed, and leaves lists that can be read', async () => {
    // a sample does not meet all of them
    const unmet = EXCEPTIONS.filter((one) => whole === 1 && one.isRare !== true && !used.has(one));
    assert.deepEqual(
      unmet.map(({ reason }) => reason),
      [],
    );
    const lists = ['/containers/json?all=1', '/services', '/tasks', '/networks', '/volumes', '/nodes', '/secrets', '/configs', '/info'];
    for (const path of lists) assert.equal((await both()[1].ask('GET', path)).status, 200, path);
  });
});

async function tell(one: BadBody, side: Side, path: string, body: string): Promise<Said> {
  const said = await side.said('POST', path, body);
  if (said.status > 0 && said.status < 300) await one.undo?.(side, jsonOf(said.text));
  return said;
}

const ownPath = ({ route }: BadBody): string => route.slice(route.indexOf(' ') + 1);
const pathOf = async (one: BadBody, side: Asker): Promise<string> => (await one.path?.(side)) ?? ownPath(one);
const idlePathOf = async (one: BadBody, side: Asker): Promise<string> => one.idlePath ?? pathOf(one, side);
