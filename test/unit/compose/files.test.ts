import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerSummary } from '../../../src/model/index.ts';
import {
  parseSource,
  planStack,
  readStack,
  resourcesOf,
  type Stack,
  storedObjectsOf,
  type Surroundings,
} from '../../../src/compose/index.ts';

const read = (text: string, variables: Record<string, string> = {}, more: readonly string[] = []): Stack =>
  readStack(
    [text, ...more].map((one, index) => parseSource(index === 0 ? 'compose.yml' : `more-${index}.yml`, one)),
    {
      variables,
      open: (file) => parseSource(file, 'services:\n  base:\n    image: busybox\n    environment: [A=1, B=2]\n'),
      include: () => assert.fail('nothing is included'),
    },
  );

const around = (stack: Stack): Surroundings => {
  const { networks, volumes } = resourcesOf(stack, 'abc');
  return {
    project: 'abc',
    folder: '/home/me/abc',
    files: ['/home/me/abc/compose.yml'],
    network: (name) => networks.get(name)?.name ?? `?${name}`,
    volume: (name) => volumes.get(name)?.name ?? name,
    envFiles: (wishes): Record<string, string> => (wishes.length === 0 ? {} : { FROM: 'file', LOG: 'file' }),
    variables: { OUTSIDE: 'yes' },
    hash: (text) => `#${text.length}`,
    isFig: stack.isFig,
    imageId: () => undefined,
    storedId: (kind, key) => `${kind}-${key}`,
    hostCount: 3,
  };
};

const plan = (text: string, existing: readonly ContainerSummary[] = [], asked = {}) => {
  const stack = read(text);
  return planStack(stack, around(stack), existing, { profiles: [], only: [], ...asked });
};
const requestOf = (text: string) => plan(text).waves.at(-1)?.steps[0]?.request;
const order = (text: string, asked = {}) => plan(text, [], asked).waves.map((wave) => wave.service);

describe('fig and compose files', () => {
  it('an unknown key is named with file, line and what was meant; all complaints come at once', () => {
    const file = 'services:\n  web:\n    image: busybox\n    enviroment:\n      A: 1\n    ports: 80\n    provider: {type: x}\n';
    assert.throws(() => read(file), {
      kind: 'invalid',
      message: [
        'compose.yml:4: services.web.enviroment: unknown key: did you mean "environment"?',
        'compose.yml:6: services.web.ports must be a list',
        'compose.yml:7: services.web.provider: is not supported: it runs a program beside compose',
      ].join('\n'),
    });
  });

  it('a value that cannot be read is named with its line', () => {
    for (const [line, message] of [
      ['ports: ["80:x"]', 'ports: "80:x" is not a port: write 8080:80, 127.0.0.1:8080:80 or 53:53/udp'],
      ['mem_limit: lots', 'mem_limit: "lots" is not a size: write 512M or 2g'],
      ['stop_grace_period: soon', 'stop_grace_period: "soon" is not a time: write 30s or 1m30s'],
      ['command: echo "hello', 'command: the " in "echo "hello" is never closed'],
      ['hostname: ${', 'hostname: "${" has a ${ without its }: write $$ for a plain $'],
      ['image: ${IMAGE:?say which}', 'image: the variable IMAGE must be set: say which'],
    ])
      assert.throws(() => read(`services:\n  web:\n    ${line}\n`), { message: `compose.yml:3: services.web.${message}` });
  });

  it('broken YAML is named with line and column', () => {
    assert.throws(() => read('services:\n  web: {image: a\n'), /^ArpanetError: compose\.yml:\d+:\d+: /);
  });

  it('variables are filled in as compose does', () => {
    const { services, unset } = read('services:\n  web:\n    image: "web:${TAG:-1}${NONE-}${SET:+-x}$NEVER$$"\n', { SET: 'y', TAG: '' });
    assert.equal(services.get('web')?.['image'], 'web:1-x$');
    assert.deepEqual(unset, ['NEVER']);
  });

  it('variables have all forms that compose knows, inside each other too', () => {
    const filled = (text: string) =>
      read(`services:\n  web:\n    image: "${text}"\n`, { SET: 'set', EMPTY: '' }).services.get('web')?.['image'];
    for (const [text, value] of [
      ['$SET', 'set'],
      ['${SET}', 'set'],
      ['${EMPTY-x}', ''],
      ['${EMPTY:-x}', 'x'],
      ['${NONE-x}', 'x'],
      ['${SET+x}', 'x'],
      ['${EMPTY+x}', 'x'],
      ['${EMPTY:+x}', ''],
      ['${NONE+x}', ''],
      ['${SET?must}', 'set'],
      ['${EMPTY?must}', ''],
      ['${NONE:-${SET}}', 'set'],
      ['${NONE:-a${EMPTY:-${SET:+b}}c}', 'abc'],
      ['$$SET', '$SET'],
    ] as const)
      assert.equal(filled(text), value, text);
    assert.throws(() => filled('${NONE?must}'), /the variable NONE must be set: must/);
    assert.throws(() => filled('${EMPTY:?must}'), /the variable EMPTY must be set: must/);
    assert.throws(() => filled('${SET!x}'), /cannot read "\$\{SET!x\}"/);
  });

  it("fig's form, the second and the third give the same request", () => {
    const service = 'image: busybox, command: "sh -c \'echo hi\'", environment: [A=1], volumes: ["/data"], mem_limit: 64m';
    const [fig, second, spec] = [`web: {${service}}`, `version: "2"\nservices:\n  web: {${service}}`, `services:\n  web: {${service}}`].map(
      requestOf,
    );
    assert.deepEqual(fig, second);
    assert.deepEqual(second, spec);
    assert.deepEqual(spec?.['Cmd'], ['sh', '-c', 'echo hi']);
    assert.equal(spec?.HostConfig?.Memory, 64 * 1024 * 1024);
    assert.deepEqual(spec?.Volumes, { '/data': {} });
  });

  it('a request has the labels, network and aliases that compose would have given it', () => {
    const request = requestOf(`
services:
  web:
    image: busybox
    env_file: web.env
    environment: {LOG: debug, OUTSIDE: }
    ports: ["8080:80", "127.0.0.1:5353:53/udp"]
    volumes: ["data:/data:ro", "./conf:/conf"]
    networks: {back: {aliases: [www]}}
    labels: {own: "1"}
    restart: on-failure:3
    healthcheck: {test: wget -qO- localhost, interval: 1m30s}
    deploy: {resources: {limits: {cpus: "0.5"}, reservations: {cpus: 0.25, memory: 1g}}, placement: {constraints: [node.labels.rack == h1]}}
networks: {back: }
volumes: {data: }
`);
    assert.deepEqual(request?.Env, ['FROM=file', 'LOG=debug', 'OUTSIDE=yes']);
    assert.deepEqual(request?.HostConfig?.PortBindings, {
      '80/tcp': [{ HostIp: '', HostPort: '8080' }],
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }],
    });
    assert.deepEqual(request?.HostConfig?.Binds, ['abc_data:/data:ro', '/home/me/abc/conf:/conf:rw']);
    assert.deepEqual(request?.NetworkingConfig?.EndpointsConfig, { abc_back: { Aliases: ['abc-web-1', 'web', 'www'] } });
    assert.equal(request?.HostConfig?.NanoCpus, 500_000_000);
    assert.equal(request?.HostConfig?.MemoryReservation, 1024 ** 3);
    assert.deepEqual(request?.HostConfig?.['RestartPolicy'], { Name: 'on-failure', MaximumRetryCount: 3 });
    assert.deepEqual(request?.Healthcheck, { Test: ['CMD-SHELL', 'wget -qO- localhost'], Interval: 90e9 });
    const { 'com.docker.compose.config-hash': hash, ...given } = request?.Labels ?? {};
    assert.match(hash ?? '', /^#\d+$/);
    assert.deepEqual(given, {
      own: '1',
      'arpanet.reserve': 'cpus=0.25',
      'arpanet.constraints': '["node.labels.rack==h1"]',
      'com.docker.compose.project': 'abc',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '1',
      'com.docker.compose.oneoff': 'False',
      'com.docker.compose.project.config_files': '/home/me/abc/compose.yml',
      'com.docker.compose.project.working_dir': '/home/me/abc',
      'com.docker.compose.depends_on': '',
    });
  });

  it('a later file is laid over the earlier, an extended service lies below', () => {
    const { services } = read(
      'services:\n  web:\n    extends: {file: base.yml, service: base}\n    environment: {B: 3}\n    ports: ["80:80"]\n',
      {},
      ['services:\n  web:\n    command: sleep 1\n    environment: [C=4]\n    ports: ["81:81"]\n'],
    );
    assert.deepEqual(services.get('web'), {
      image: 'busybox',
      environment: { A: '1', B: '3', C: '4' },
      ports: ['80:80', '81:81'],
      command: ['sleep', '1'],
    });
  });

  it('services come up after those that they depend on; a circle and an unknown one are refused', () => {
    const file = (web: string) =>
      `services:\n  web: {image: a, depends_on: ${web}}\n  db: {image: a}\n  debug: {image: a, profiles: [dev]}\n`;
    assert.deepEqual(order(file('[db]')), ['db', 'web']);
    assert.deepEqual(order(file('[]'), { profiles: ['dev'] }), ['web', 'db', 'debug']);
    assert.deepEqual(order(file('[db]'), { only: ['db'] }), ['db']);
    assert.throws(() => order(file('[dv]')), {
      message: 'compose.yml:2: services.web.depends_on: there is no service "dv", there are web, db, debug',
    });
    assert.throws(() => order(file('[web]')), /services wait for each other in a circle: web -> web/);
    assert.throws(() => order(file('{db: {condition: service_happy}}')), /condition: it is one of service_started/);
  });

  it('what is unchanged stays, what differs is recreated, what is too many is removed, the newest first', () => {
    const file = 'services:\n  web: {image: busybox, scale: 3}\n';
    const fresh = plan(file).waves[0]?.steps ?? [];
    assert.deepEqual(
      fresh.map((step) => [step.container, step.action]),
      [
        ['abc-web-1', 'create'],
        ['abc-web-2', 'create'],
        ['abc-web-3', 'create'],
      ],
    );
    const existing = fresh.map(
      ({ container, request }, index): ContainerSummary => ({
        Id: `id${index + 1}`,
        Names: [`/${container}`],
        Image: '',
        ImageID: '',
        Created: 0,
        State: index === 1 ? 'exited' : 'running',
        Status: '',
        Labels: request?.Labels ?? {},
      }),
    );
    const actions = (text: string) => plan(text, existing).waves[0]?.steps.map((step) => step.action);
    assert.deepEqual(actions(file), ['keep', 'start', 'keep']);
    assert.deepEqual(actions('services:\n  web: {image: busybox, scale: 1}\n'), ['keep', 'remove', 'remove']);
    assert.deepEqual(actions('services:\n  web: {image: busybox, scale: 1, user: root}\n'), ['recreate', 'remove', 'remove']);
    assert.deepEqual(
      plan('services:\n  other: {image: busybox}\n', existing).orphans.map((one) => one.Id),
      ['id1', 'id2', 'id3'],
    );
  });

  it('what a deploy here cannot do is refused, not left out', () => {
    const deploy = (text: string) => () => plan(`services:\n  web:\n    image: a\n    deploy: {${text}}\n`);
    assert.throws(
      deploy('mode: global-job'),
      /^ArpanetError: compose\.yml:2: services\.web: deploy\.mode is "global-job": it is replicated or global/,
    );
    assert.throws(deploy('mode: global, replicas: 2'), /a global service runs once on every host/);
    assert.throws(deploy('replica: 1'), /compose\.yml:4: services\.web\.deploy\.replica: unknown key: did you mean "replicas"/);
    for (const more of ['ssh: [default]', 'entitlements: [network.host]', 'privileged: true'])
      assert.throws(
        () => plan(`services:\n  web: {build: {context: ., ${more}}}\n`),
        /compose\.yml:2: services\.web\.build\.\w+: is not supported: /,
      );
    assert.throws(() => plan('services:\n  web: {user: me}\n'), /it has no image/);
  });

  it('commands after a start and before a stop are in a label, by which the cluster runs them', () => {
    const hooks = (text: string) =>
      JSON.parse(requestOf(`services:\n  web: {image: a, ${text}}\n`)?.Labels?.['arpanet.hooks'] ?? 'null') as unknown;
    assert.deepEqual(
      hooks(
        'post_start: [{command: sh -c "echo hi", user: root, privileged: true, working_dir: /srv, environment: [A=1, NOT_SET]}], pre_stop: [{command: [drain, "now"]}]',
      ),
      {
        post_start: [{ command: ['sh', '-c', 'echo hi'], user: 'root', privileged: true, workingDir: '/srv', env: ['A=1'] }],
        pre_stop: [{ command: ['drain', 'now'] }],
      },
    );
    assert.equal(hooks('post_start: []'), null);
    assert.throws(() => hooks('pre_stop: [{command: []}]'), /compose\.yml:2: services\.web: pre_stop: a command is missing/);
  });

  it('a global service has an instance on each host at most, is replaced stop-first, and waits for a lost host', () => {
    const text = 'services:\n  web: {image: busybox, deploy: {mode: global, update_config: {order: start-first}}}\n';
    const [wave] = plan(text).waves;
    assert.deepEqual([wave?.isGlobal, wave?.count, wave?.update.order], [true, 3, 'stop-first']);
    assert.deepEqual(
      wave?.steps.map(({ container, action }) => `${container} ${action}`),
      ['abc-web-1 create', 'abc-web-2 create', 'abc-web-3 create'],
    );
    const given = wave?.steps[0]?.request?.Labels ?? {};
    assert.deepEqual([given['arpanet.max-per-host'], given['arpanet.reschedule']], ['1', 'off']);
  });

  it('max_replicas_per_node is the most instances that a host has', () => {
    const text = 'services:\n  web: {image: busybox, deploy: {replicas: 2, placement: {max_replicas_per_node: 1}}}\n';
    assert.equal(requestOf(text)?.Labels?.['arpanet.max-per-host'], '1');
  });

  it('secrets and configs are files in each container, where and with the mode that compose gives them', () => {
    const text = [
      'services:',
      '  web:',
      '    image: busybox',
      '    secrets: [key, {source: key, target: other, uid: "5", mode: 0400}]',
      '    configs: [conf, {source: conf, target: /etc/conf, mode: "0440"}]',
      'secrets: {key: {file: ./key.txt}}',
      'configs: {conf: {content: "a=1"}}',
    ].join('\n');
    const files = JSON.parse(requestOf(text)?.Labels?.['arpanet.files'] ?? '[]') as readonly object[];
    const root = { uid: 0, gid: 0 };
    assert.deepEqual(files, [
      { kind: 'secret', id: 'secret-key', path: '/run/secrets/key', ...root, mode: 0o444 },
      { kind: 'secret', id: 'secret-key', path: '/run/secrets/other', uid: 5, gid: 0, mode: 0o400 },
      { kind: 'config', id: 'config-conf', path: '/conf', ...root, mode: 0o444 },
      { kind: 'config', id: 'config-conf', path: '/etc/conf', ...root, mode: 0o440 },
    ]);
    assert.deepEqual(
      [...storedObjectsOf(read(text), 'abc')].map(([key, { name, source }]) => [key, name, source]),
      [
        ['secret key', 'abc_key', { from: 'file', path: './key.txt' }],
        ['config conf', 'abc_conf', { from: 'content', text: 'a=1' }],
      ],
    );
    const one = (entry: string) => () => storedObjectsOf(read(`services: {web: {image: a}}\nsecrets: {key: {${entry}}}\n`), 'abc');
    assert.throws(one('labels: {a: b}'), /secrets\.key: give exactly one of file, environment, external/);
    assert.throws(one('file: a, environment: B'), /exactly one/);
    assert.throws(() => requestOf(text.replace('    image', '    read_only: true\n    image')), /which read_only forbids/);
  });

  it('other content of a secret makes a container anew', () => {
    const text = 'services:\n  web: {image: busybox, secrets: [key]}\nsecrets: {key: {file: a}}\n';
    const made = (storedId: Surroundings['storedId'], existing: readonly ContainerSummary[]) => {
      const stack = read(text);
      return planStack(stack, { ...around(stack), storedId }, existing, { profiles: [], only: [] }).waves[0]?.steps[0];
    };
    const labels = made(() => 'one', [])?.request?.Labels ?? {};
    const existing = { Id: 'id1', Names: ['/abc-web-1'], State: 'running', Labels: labels } as unknown as ContainerSummary;
    assert.equal(made(() => 'one', [existing])?.action, 'keep');
    assert.equal(made(() => 'two', [existing])?.action, 'recreate');
  });
});
