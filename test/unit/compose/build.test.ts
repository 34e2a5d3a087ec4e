/** What a deploy builds, and files that take in others. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Build,
  parseSource,
  planStack,
  readStack,
  resourcesOf,
  type Stack,
  type Surroundings,
  withStages,
} from '../../../src/compose/index.ts';

const HOME = '/home/me';
const files: Record<string, string> = {};

/** The files of a machine: each by its whole path; the first of `names` is the project's. */
function read(...names: readonly string[]): Stack {
  const source = (file: string) => parseSource(file, files[file] ?? assert.fail(`no file ${file}`));
  return readStack(names.map(source), {
    variables: { HOME, OUTSIDE: 'yes' },
    open: (file, from) => source(`${from.slice(0, from.lastIndexOf('/'))}/${file}`),
    include: (entry) => {
      const file = `/home/me/${String(entry)}`;
      return { sources: [source(file)], folder: file.slice(0, file.lastIndexOf('/')), variables: { HOME, OUTSIDE: 'yes', INNER: 'inner' } };
    },
  });
}

function planOf(stack: Stack) {
  const { networks, volumes } = resourcesOf(stack, 'abc');
  const around: Surroundings = {
    project: 'abc',
    folder: '/home/me/abc',
    files: [],
    network: (name) => networks.get(name)?.name ?? `?${name}`,
    volume: (name) => volumes.get(name)?.name ?? name,
    envFiles: (wishes): Record<string, string> => (wishes.length === 0 ? {} : { FILES: JSON.stringify(wishes) }),
    variables: { HOME, OUTSIDE: 'yes' },
    hash: (text) => text,
    isFig: stack.isFig,
    imageId: () => undefined,
    storedId: (kind, key) => `${kind}-${key}`,
    hostCount: 3,
  };
  return planStack(stack, around, [], { profiles: [], only: [] });
}
const plan = (text: string) => {
  files['/home/me/abc/compose.yml'] = text;
  return planOf(read('/home/me/abc/compose.yml'));
};
const builds = (text: string) => [...plan(text).builds.values()];
const queryOf = ({ query }: Build) => query.filter(([name]) => name !== 'labels').map(([name, value]) => `${name}=${value}`);

describe('what a deploy builds', () => {
  it('a folder, with the name that compose gives the image; fig has another, and its Dockerfile beside', () => {
    const [spec] = builds('services:\n  web: {build: ./web}\n');
    assert.deepEqual([spec?.image, spec?.context, spec?.dockerfile], ['abc-web', { folder: '/home/me/abc/web' }, { path: 'Dockerfile' }]);
    assert.deepEqual(spec && queryOf(spec), ['t=abc-web']);
    assert.deepEqual(
      Object.fromEntries(spec?.query ?? [])['labels'],
      '{"com.docker.compose.project":"abc","com.docker.compose.service":"web"}',
    );
    const [fig] = builds('web:\n  build: ../web\n  dockerfile: live.docker\n');
    assert.deepEqual([fig?.image, fig?.context, fig?.dockerfile], ['abc_web', { folder: '/home/me/web' }, { path: 'live.docker' }]);
  });

  it('further contexts, each a stage before those of the Dockerfile: a folder, an image, another service', () => {
    const extra = (text: string) =>
      builds(`services:\n  web: {build: {context: ., ${text}}}\n  base: {build: ./base}\n  db: {image: db:2}\n`)[0];
    const asked = extra('additional_contexts: [res=../res, tools=docker-image://alpine:3, base=service:base, other=service:db]');
    assert.deepEqual(
      asked?.contexts,
      new Map([
        ['res', { folder: '/home/me/res' }],
        ['tools', { image: 'alpine:3' }],
        ['base', { image: 'abc-base' }],
        ['other', { image: 'db:2' }],
      ]),
    );
    assert.deepEqual(asked?.after, ['abc-base', 'db:2']);
    assert.deepEqual(extra('additional_contexts: {res: ./res}')?.contexts, new Map([['res', { folder: '/home/me/abc/res' }]]));
    for (const [text, why] of [
      [
        'additional_contexts: {a: "https://example.com/a.git"}',
        /"a": "https:.*" is neither a folder, nor docker-image:\/\/IMAGE, nor service:SERVICE/,
      ],
      ['additional_contexts: {a: "oci-layout://x"}', /neither a folder/],
      ['additional_contexts: {"a/b": .}', /"a\/b": it becomes a stage of the Dockerfile/],
      ['additional_contexts: {a: "service:nobody"}', /there is no service "nobody"/],
      ['additional_contexts: {a: .}, pull: true', /build\.pull does not go with additional_contexts/],
    ] as const)
      assert.throws(() => extra(text), why);
    assert.throws(
      () => builds('services:\n  web: {build: {context: "https://example.com/a.git", additional_contexts: {a: .}}}\n'),
      /goes with a folder as context/,
    );
  });

  it('the stages of further contexts stand behind the global arguments, and before the first stage', () => {
    const text = '# syntax=docker/dockerfile:1\nARG TAG=1 \\\n  FROM=x\nARG B\n\nfrom a:${TAG} AS first\nFROM first\n';
    assert.equal(
      withStages(text, [
        ['res', 'context:1'],
        ['tools', 'alpine:3'],
      ]),
      '# syntax=docker/dockerfile:1\nARG TAG=1 \\\n  FROM=x\nARG B\n\nFROM context:1 AS res\nFROM alpine:3 AS tools\nfrom a:${TAG} AS first\nFROM first\n',
    );
    assert.equal(withStages('ARG A\n', [['res', 'x']]), 'ARG A\n', 'the builder says what is wrong with it');
  });

  it('all that BuildKit is told, in the words of POST /build', () => {
    const [build] = builds(`
services:
  web:
    image: shop/web:2
    platform: linux/arm64
    build:
      context: ~/web
      dockerfile_inline: FROM scratch
      args: [A=1, OUTSIDE, NEVER]
      target: last
      cache_from: [shop/web:1, "type=registry,ref=shop/web:cache"]
      cache_to: [type=inline]
      tags: [shop/web:latest]
      labels: {mine: yes}
      network: host
      shm_size: 64m
      ulimits: {nofile: {soft: 1, hard: 2}}
      extra_hosts: [a=192.0.2.1, "b:192.0.2.2"]
      platforms: [linux/amd64, linux/arm64]
      no_cache: true
      pull: true
      secrets: [key, {source: other, target: token}]
secrets:
  key: {file: ./key.txt}
  other: {environment: TOKEN}
`);
    assert.deepEqual(build && queryOf(build), [
      't=shop/web:2',
      't=shop/web:latest',
      'buildargs={"A":"1","OUTSIDE":"yes","BUILDKIT_INLINE_CACHE":"1"}',
      'cachefrom=["shop/web:1","shop/web:cache"]',
      'target=last',
      'networkmode=host',
      'shmsize=67108864',
      'platform=linux/arm64',
      'ulimits=[{"Name":"nofile","Soft":1,"Hard":2}]',
      'extrahosts=a:192.0.2.1',
      'extrahosts=b:192.0.2.2',
      'nocache=1',
      'pull=1',
    ]);
    assert.deepEqual([build?.context, build?.dockerfile], [{ folder: '/home/me/web' }, { text: 'FROM scratch' }]);
    assert.deepEqual(
      [...(build?.secrets ?? [])],
      [
        ['key', { key: 'key', source: { from: 'file', path: './key.txt' } }],
        ['token', { key: 'other', source: { from: 'environment', variable: 'TOKEN' } }],
      ],
    );
  });

  it('what the file names is looked for in a registry first; what it only builds is not', () => {
    const how = (text: string) => builds(`services:\n  web: {build: ., ${text}}\n`).map(({ mayPull, isForced }) => [mayPull, isForced])[0];
    assert.deepEqual(how('command: a'), [false, false]);
    assert.deepEqual(how('image: x'), [true, false]);
    assert.deepEqual(how('image: x, pull_policy: never'), [false, false]);
    assert.deepEqual(how('image: x, pull_policy: build'), [true, true]);
  });

  it('a repository is fetched by the builder itself', () => {
    for (const context of ['https://example.com/web.git#main', 'git@example.com:web', 'github.com/me/web'])
      assert.deepEqual(builds(`services:\n  web: {build: "${context}"}\n`)[0]?.context, { remote: context });
    assert.throws(
      () => builds('services:\n  web: {build: {context: "https://example.com/web.git", dockerfile_inline: FROM a}}\n'),
      /compose\.yml:2: services\.web: build\.dockerfile_inline goes with a folder/,
    );
  });

  it('what cannot be built is refused with its line', () => {
    for (const [text, why] of [
      ['secrets: [nobody]', /build\.secrets: "nobody" is not defined/],
      ['secrets: [outer]', /build\.secrets: "outer" is external/],
      ['cache_to: ["type=registry,ref=a"]', /build\.cache_to: "type=registry,ref=a": an Engine's builder exports type=inline only/],
      ['cache_from: ["type=local,src=a"]', /build\.cache_from: "type=local,src=a": write an image/],
    ] as const)
      assert.throws(() => builds(`services:\n  web: {build: {context: ., ${text}}}\nsecrets: {outer: {external: true}}\n`), why);
  });

  it('two files merge what they build, whichever form each has', () => {
    files['/home/me/abc/a.yml'] = 'services:\n  web: {build: web}\n';
    files['/home/me/abc/b.yml'] = 'services:\n  web: {build: {args: {A: 1}, target: live}}\n';
    const [build] = planOf(read('/home/me/abc/a.yml', '/home/me/abc/b.yml')).builds.values();
    assert.deepEqual(build && [build.context, ...queryOf(build)], [
      { folder: '/home/me/abc/web' },
      't=abc-web',
      'buildargs={"A":"1"}',
      'target=live',
    ]);
  });
});

describe('files that take in others', () => {
  it('include brings services, networks, volumes, secrets with the paths and variables of their own folder', () => {
    files['/home/me/abc/compose.yml'] = 'include: [db/compose.yml]\nservices:\n  web: {image: web, depends_on: [db]}\n';
    files['/home/me/db/compose.yml'] = `
services:
  db:
    build: ./image
    image: "db:\${INNER}"
    env_file: db.env
    environment: [INNER, NEVER]
    volumes: ["./data:/data:ro", "kept:/kept", {type: bind, source: ../x, target: /x}]
    networks: [back]
volumes: {kept: }
networks: {back: }
secrets: {key: {file: ./key.txt}}
`;
    const stack = read('/home/me/abc/compose.yml');
    const { waves, builds: built } = planOf(stack);
    assert.deepEqual(
      waves.map(({ service }) => service),
      ['db', 'web'],
      'it can be depended on',
    );
    const request = waves[0]?.steps[0]?.request;
    assert.equal(request?.Image, 'db:inner');
    assert.deepEqual(built.get('db:inner')?.context, { folder: '/home/me/db/image' });
    assert.deepEqual(request?.HostConfig?.Binds, ['/home/me/db/data:/data:ro', 'abc_kept:/kept:rw', '/home/me/x:/x:rw']);
    assert.deepEqual(request?.['Env'], ['FILES=["/home/me/db/db.env"]', 'INNER=inner']);
    assert.deepEqual(Object.keys(request?.NetworkingConfig?.EndpointsConfig ?? {}), ['abc_back']);
    assert.equal(stack.secrets['key']?.['file'], '/home/me/db/key.txt');
    assert.match(stack.at('db'), /^\/home\/me\/db\/compose\.yml:3$/);
  });

  it('a service that both have, and a circle, are refused with the line', () => {
    files['/home/me/abc/compose.yml'] = 'include: [db/compose.yml]\nservices:\n  db: {image: other}\n';
    files['/home/me/db/compose.yml'] = 'services:\n  db: {image: db}\n';
    assert.throws(
      () => read('/home/me/abc/compose.yml'),
      /compose\.yml:3: services\.db: an included file has a service "db", too, and they differ/,
    );
    files['/home/me/abc/compose.yml'] = 'include: [db/compose.yml]\n';
    files['/home/me/db/compose.yml'] = 'include: [abc/compose.yml]\n';
    assert.throws(() => read('/home/me/abc/compose.yml'), /include: .*abc\/compose\.yml includes itself in a circle/);
  });

  it('a later file may change what an earlier one includes', () => {
    files['/home/me/abc/compose.yml'] = 'include: [db/compose.yml]\n';
    files['/home/me/db/compose.yml'] = 'services:\n  db: {image: db, command: a}\n';
    files['/home/me/abc/live.yml'] = 'services:\n  db: {command: b}\n';
    const stack = read('/home/me/abc/compose.yml', '/home/me/abc/live.yml');
    assert.deepEqual(stack.services.get('db'), { image: 'db', command: ['b'] });
  });

  it('what a service extends of a file in another folder has the paths of that folder', () => {
    files['/home/me/abc/compose.yml'] = 'services:\n  web: {extends: {file: ../base/base.yml, service: base}, volumes: ["./mine:/mine"]}\n';
    files['/home/me/abc/../base/base.yml'] = 'services:\n  base: {image: a, env_file: base.env, volumes: ["./its:/its"]}\n';
    const request = planOf(read('/home/me/abc/compose.yml')).waves[0]?.steps[0]?.request;
    assert.deepEqual(request?.HostConfig?.Binds, ['/home/me/base/its:/its:rw', '/home/me/abc/mine:/mine:rw']);
    assert.deepEqual(request?.['Env'], ['FILES=["/home/me/base/base.env"]']);
  });

  it('!reset takes away what an earlier file has, !override puts its own in its place', () => {
    files['/home/me/abc/a.yml'] = 'services:\n  web: {image: a, user: me, ports: ["80:80"], environment: {A: 1, B: 2}, dns: [192.0.2.1]}\n';
    files['/home/me/abc/b.yml'] =
      'services:\n  web:\n    user: !reset null\n    ports: !override ["81:80"]\n    environment: {A: !reset null, C: 3}\n    dns: [192.0.2.2]\n';
    const stack = read('/home/me/abc/a.yml', '/home/me/abc/b.yml');
    assert.deepEqual(stack.services.get('web'), {
      image: 'a',
      ports: ['81:80'],
      environment: { B: '2', C: '3' },
      dns: ['192.0.2.1', '192.0.2.2'],
    });
  });

  it('keys that nobody reads here are said, with the reason', () => {
    files['/home/me/abc/compose.yml'] =
      'services:\n  web:\n    image: a\n    develop: {watch: [{path: ., action: rebuild}]}\n    deploy: {resources: {reservations: {generic_resources: []}}}\n';
    assert.deepEqual(read('/home/me/abc/compose.yml').ignored, [
      '/home/me/abc/compose.yml:4: services.web.develop: is ignored: it is for docker compose watch',
      '/home/me/abc/compose.yml:5: services.web.deploy.resources.reservations.generic_resources: is ignored: the cluster does not count them: a placement constraint chooses the hosts that have them',
    ]);
  });
});
