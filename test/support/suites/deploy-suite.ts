/** `arpanet deploy` alone: what it builds, what its plan promises, and what it refuses before it makes anything. On Engines of 20.10 and 26.1. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, must, until } from '../cluster/cluster.ts';

/** The design notes' own, word for word. */
const FIG = `
web:
  build: web
  ports:
    - 80
  links:
    - auth
    - catalogue
auth:
  build: auth
  ports:
    - 80
  links:
    - redis
catalogue:
  image: acmeinc/productcatalog
  ports:
    - 80
  links:
    - redis
    - pricing
pricing:
  build: pricing
  ports:
    - 80
redis:
  image: redis
`;

const DOCKERFILE = (name: string) => `FROM busybox
COPY . /www
RUN echo ${name} > /www/name
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "80", "-h", "/www"]
`;

interface PlannedStep {
  readonly container: string;
  readonly addresses: readonly string[];
  readonly imageNote?: string;
}

export function describeDeploys(given: () => Cluster): void {
  describe('arpanet deploy alone', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'arpanet-deploy-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));
    const write = (files: Readonly<Record<string, string>>) => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
    };
    const deploy = (file: string, project: string, ...more: string[]) =>
      given().arpanet('deploy', '-f', join(folder, file), '-p', project, ...more);
    const planned = async (file: string, project: string) =>
      (JSON.parse(await must(deploy(file, project, '--plan', '--json'))) as { steps: readonly PlannedStep[] }).steps;
    const addressesOf = async (name: string) => {
      const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
      const text = await must(given().docker('inspect', '-f', format, name));
      return { container: name, addresses: text.trim().split(' ').filter(Boolean).sort() };
    };
    const assertAsPlanned = async (steps: readonly PlannedStep[]) => {
      const promised = steps.map(({ container, addresses }) => ({ container, addresses: [...addresses].sort() }));
      assert.deepEqual(await Promise.all(promised.map(({ container }) => addressesOf(container))), promised);
    };
    const inside = async (name: string, ...command: string[]) => (await must(given().docker('exec', name, ...command))).trim();
    const take = async (project: string, ...images: string[]) => {
      await must(given().arpanet('rm', project));
      if (images.length > 0) await must(given().docker('rmi', '-f', ...images));
    };

    it("the design notes' own fig.yml, built and up, each service found by its short name, at the addresses that --plan said", async () => {
      const parts = ['web', 'auth', 'pricing'];
      write({
        'shop/fig.yml': FIG,
        ...Object.fromEntries(parts.map((name) => [`shop/${name}/Dockerfile`, DOCKERFILE(name)])),
        'shop/catalogue/Dockerfile': DOCKERFILE('catalogue'),
      });
      await must(given().docker('build', '-q', '-t', 'acmeinc/productcatalog', join(folder, 'shop', 'catalogue')));
      const steps = await planned('shop/fig.yml', 'notes');
      assert.deepEqual(
        steps
          .filter(({ imageNote }) => imageNote === 'to be built')
          .map(({ container }) => container)
          .sort(),
        ['notes-auth-1', 'notes-pricing-1', 'notes-web-1'],
      );
      const said = await deploy('shop/fig.yml', 'notes');
      assert.equal(said.code, 0, said.stderr);
      for (const name of parts) assert.match(said.stderr, new RegExp(`${name}: building notes_${name}\\n[^]*${name}: .*COPY \\. /www`));
      await assertAsPlanned(steps);
      for (const [from, to] of [
        ['web', 'auth'],
        ['web', 'catalogue'],
        ['catalogue', 'pricing'],
      ])
        await until(
          `${from} finds ${to}`,
          async () => (await given().docker('exec', `notes-${from}-1`, 'wget', '-qO-', `http://${to}/name`)).stdout.trim() === to,
        );
      const again = (await deploy('shop/fig.yml', 'notes')).stderr;
      assert.match(again, /notes-web-1: unchanged/);
      assert.doesNotMatch(again, /building/);
      write({ 'shop/web/news': 'new' });
      assert.match((await deploy('shop/fig.yml', 'notes', '--build', 'web')).stderr, /web: building[^]*starting notes-web-1/);
      assert.equal(await inside('notes-web-1', 'cat', '/www/news'), 'new');
      await take('notes', 'notes_web', 'notes_auth', 'notes_pricing', 'acmeinc/productcatalog');
    });

    for (const builder of ['h1', 'h3'])
      it(`what BuildKit of the Engine on ${builder} can: target, args, secrets, further contexts, an inline Dockerfile, .dockerignore, labels, tags, platforms`, async () => {
        const others = ['h1', 'h2', 'h3'].filter((host) => host !== builder);
        write({
          'built/app/kept.txt': 'kept',
          'built/app/left.txt': 'left',
          'built/app/deep/left.txt': 'left',
          'built/app/deep/kept.txt': 'kept',
          'built/app/.dockerignore': '**/left.txt\n',
          'built/token.txt': 'sesame',
          'built/beside/inner/one.txt': 'beside',
          'built/beside/two.txt': 'left',
          'built/beside/.dockerignore': 'two.txt\n',
          'built/base/Dockerfile': 'FROM busybox\nRUN echo its own > /of-base\n',
          'built/compose.yml': `
services:
  app:
    stop_grace_period: 0s
    build:
      context: app
      dockerfile_inline: |
        FROM busybox AS first
        ARG WORD
        RUN --mount=type=secret,id=token --mount=type=secret,id=other sh -c 'cat /run/secrets/token /run/secrets/other > /seen; echo says $$WORD >> /seen'
        FROM first AS wanted
        COPY --from=near inner /near
        COPY --from=below of-base /of-base
        RUN --mount=from=tool,target=/tool test -e /tool/bin/sh
        COPY . /app
        CMD ["sleep", "3600"]
        FROM wanted AS never
        RUN false
      target: wanted
      additional_contexts: {near: ./beside, below: "service:base", tool: "docker-image://redis"}
      args: [WORD=hello]
      labels: {mine: "yes"}
      tags: ["built/app:${builder}"]
      platforms: [linux/amd64]
      secrets: [{source: key, target: token}, other]
  base: {profiles: [never], build: base}
secrets:
  key: {file: ./token.txt}
  other: {environment: PATH}
`,
        });
        for (const host of others) await must(given().arpanet('hosts', 'update', host, '--availability', 'pause'));
        try {
          await must(deploy('built/compose.yml', 'built'));
        } finally {
          for (const host of others) await must(given().arpanet('hosts', 'activate', host));
        }
        assert.equal(await inside('built-app-1', 'cat', '/seen'), `sesame${process.env['PATH'] ?? ''}says hello`);
        assert.deepEqual((await inside('built-app-1', 'find', '/app', '-type', 'f')).split('\n').sort(), [
          '/app/.dockerfile.arpanet',
          '/app/.dockerignore',
          '/app/deep/kept.txt',
          '/app/kept.txt',
        ]);
        assert.equal(await inside('built-app-1', 'cat', '/near/one.txt', '/of-base'), 'besideits own');
        assert.equal((await inside('built-app-1', 'ls', '/near')).trim(), 'one.txt');
        assert.equal((await must(given().docker('images', '-q', 'arpanet-context'))).trim(), '', 'what was made on the way is gone');
        const labels = '{{index .Config.Labels "mine"}} {{index .Config.Labels "com.docker.compose.service"}}';
        assert.equal((await must(given().docker('image', 'inspect', '-f', labels, `built/app:${builder}`))).trim(), 'yes app');
        await take('built', 'built-app', 'built-base', `built/app:${builder}`);
      });

    it('commands after each start and before each stop, whoever starts and stops: the deploy, a scale, an update, a removal', async () => {
      const file = (word: string, count: number) => `
services:
  web:
    image: busybox
    command: sleep 3600
    stop_grace_period: 0s
    scale: ${count}
    environment: {WORD: ${word}}
    volumes: ["seen:/seen"]
    deploy: {placement: {constraints: ["node.hostname==h3"]}, update_config: {parallelism: 0, monitor: 500ms}}
    post_start: [{command: [sh, -c, 'echo $$HOOK $$WORD $$(hostname) >> /seen/started'], environment: {HOOK: up}, working_dir: /tmp}]
    pre_stop: [{command: [sh, -c, 'echo $$WORD $$(hostname) >> /seen/stopped; false']}]
volumes: {seen: }
`;
      const ids = async () =>
        (await must(given().docker('ps', '-q', '--filter', 'label=com.docker.compose.project=hooked'))).trim().split('\n').sort();
      const started = (word: string, of: readonly string[]) => of.map((id) => `up ${word} ${id}`);
      const stopped = (word: string, of: readonly string[]) => of.map((id) => `${word} ${id}`);
      write({ 'hooked/compose.yml': file('one', 1) });
      await must(deploy('hooked/compose.yml', 'hooked'));
      await must(given().arpanet('scale', 'hooked/web=2'));
      const first = await ids();
      assert.equal(first.length, 2);
      write({ 'hooked/compose.yml': file('two', 2) });
      await must(deploy('hooked/compose.yml', 'hooked'));
      const second = await ids();
      const seen = (await inside(second[0] ?? '', 'sort', '/seen/started', '/seen/stopped')).split('\n');
      assert.deepEqual(
        seen.toSorted(),
        [...started('one', first), ...started('two', second), ...stopped('one', first)].toSorted(),
        'and one that fails does not prevent the stop',
      );
      await must(given().arpanet('rm', 'hooked'));
      const all = await must(given().docker('run', '--rm', '-v', 'hooked_seen:/seen', 'busybox', 'cat', '/seen/stopped'));
      assert.deepEqual(all.trim().split('\n').toSorted(), [...stopped('one', first), ...stopped('two', second)].toSorted());
      await must(given().docker('volume', 'rm', 'hooked_seen'));
      write({
        'hooked/compose.yml':
          'services:\n  web: {image: busybox, command: sleep 3600, stop_grace_period: 0s, post_start: [{command: [sh, -c, echo no luck; exit 4]}]}\n',
      });
      const { code, stderr } = await deploy('hooked/compose.yml', 'hooked');
      assert.equal(code, 1, stderr);
      assert.match(stderr, /hooked-web-1: post_start command ".*" exited with status 4: no luck/);
      await take('hooked');
    });

    it('a part of a volume, on an Engine that knows what that is; where none may be taken it is refused, and no container has all of it', async () => {
      const file = (host: string) => `
services:
  fill: {image: busybox, command: 'sh -c "mkdir -p /all/inner; echo here > /all/inner/file"', volumes: ["data:/all"]}
  part:
    image: busybox
    command: sleep 3600
    stop_grace_period: 0s
    depends_on: {fill: {condition: service_completed_successfully}}
    deploy: {placement: {constraints: ["node.hostname==${host}"]}}
    volumes: [{type: volume, source: data, target: /part, volume: {subpath: inner}}]
volumes: {data: }
`;
      for (const host of ['h1', 'h3']) {
        write({ 'part/compose.yml': file(host) });
        const version = (await must(given().engine(host, 'version', '-f', '{{.Server.APIVersion}}'))).trim();
        // by hand, all Engines may be of one version
        if (Number(version.split('.')[1]) < 45) {
          const refused = await deploy('part/compose.yml', 'part');
          assert.equal(refused.code, 1, refused.stderr);
          const why = `${host}: its Engine has API version ${version}, and a subpath of a volume needs 1.45`;
          assert.ok(refused.stderr.includes(why), refused.stderr);
          continue;
        }
        await must(deploy('part/compose.yml', 'part'));
        assert.equal(await inside('part-part-1', 'cat', '/part/file'), 'here');
        await take('part');
        await must(given().docker('volume', 'rm', 'part_data'));
      }
    });

    it('a build that fails says what its command said, and nothing was made', async () => {
      write({
        'broken/Dockerfile': 'FROM busybox\nRUN echo the reason; exit 3\n',
        'broken/compose.yml': 'services:\n  first: {image: busybox, command: sleep 9}\n  app: {build: .}\n',
      });
      const { code, stderr } = await deploy('broken/compose.yml', 'broken');
      assert.equal(code, 1, stderr);
      assert.match(stderr, /app: the reason\n[^]*app: cannot build broken-app: .*exit code: 3/);
      assert.equal((await must(given().docker('ps', '-aq'))).trim(), '');
      await given().docker('network', 'rm', 'broken_default');
    });

    it('a set that does not fit is refused whole, with the reason, before anything is made', async () => {
      const plain = 'image: busybox, command: sleep 3600, stop_grace_period: 0s';
      write({
        'big/compose.yml': `
services:
  a: {${plain}}
  b: {${plain}}
  c: {${plain}, network_mode: "service:a"}
  d: {${plain}, deploy: {resources: {reservations: {memory: 900g}}}}
`,
      });
      const { code, stderr } = await deploy('big/compose.yml', 'big');
      assert.notEqual(code, 0);
      assert.match(stderr, /big-d-1: no host fits: .*900 GiB[^]*no container was made/);
      assert.doesNotMatch(stderr, /big-[abc]-1/);
      assert.equal((await must(given().docker('ps', '-aq'))).trim(), '');
      assert.equal((await must(given().docker('network', 'ls', '-q', '--filter', 'name=big_default'))).trim(), '');
    });

    it('addresses that the file asks for are left alone by what starts before; a network has room for all that the file needs', async () => {
      const plain = 'image: busybox, command: sleep 3600, stop_grace_period: 0s';
      write({
        'fixed/compose.yml': `
services:
  early: {${plain}, scale: 2}
  late: {${plain}, depends_on: [early], networks: {default: {ipv4_address: 10.77.7.2}}}
networks: {default: {ipam: {config: [{subnet: 10.77.7.0/24}]}}}
`,
        'many/compose.yml': `services:\n  all: {${plain}, scale: 1100}\n`,
      });
      const steps = await planned('fixed/compose.yml', 'fixed');
      await must(deploy('fixed/compose.yml', 'fixed'));
      await assertAsPlanned(steps);
      assert.deepEqual((await addressesOf('fixed-late-1')).addresses, ['10.77.7.2']);
      await take('fixed');
      const all = await planned('many/compose.yml', 'many');
      assert.equal(new Set(all.flatMap(({ addresses }) => addresses)).size, 1100);
    });

    it('what takes the place of a container that holds the only port and host for it fits, in the plan and in the deploy', async () => {
      const only = 'ports: ["18090:80"], deploy: {placement: {constraints: ["node.hostname==h2"]}}';
      const text = (word: string) =>
        `services:\n  web: {image: busybox, command: sleep 3600, stop_grace_period: 0s, environment: {WORD: ${word}}, ${only}}\n`;
      write({ 'again/compose.yml': text('one') });
      await must(deploy('again/compose.yml', 'again'));
      const before = await addressesOf('again-web-1');
      write({ 'again/compose.yml': text('two') });
      assert.match(await must(deploy('again/compose.yml', 'again', '--plan')), /^h2 +again-web-1 +recreate/m);
      await must(deploy('again/compose.yml', 'again'));
      assert.equal(await inside('again-web-1', 'sh', '-c', 'echo $WORD'), 'two');
      assert.deepEqual(await addressesOf('again-web-1'), before);
      await take('again');
    });

    it('the whole set at the addresses of --plan: several networks, replicas, a shared namespace and volume, an included file', async () => {
      write({
        'set/compose.yml': `
include: [inner/compose.yml]
services:
  web: {image: busybox, command: sleep 3600, stop_grace_period: 0s, scale: 2, networks: [default, back]}
  side: {image: busybox, command: sleep 3600, stop_grace_period: 0s, network_mode: "service:store"}
networks: {back: }
`,
        'set/inner/compose.yml': `
services:
  store:
    image: busybox
    command: sleep 3600
    stop_grace_period: 0s
    environment: [INNER]
    volumes: ["data:/data"]
    networks: [back]
  twin: {image: busybox, command: sleep 3600, stop_grace_period: 0s, volumes: ["data:/data"], networks: [back]}
volumes: {data: }
networks: {back: }
`,
        'set/inner/.env': 'INNER=its own\n',
      });
      const steps = await planned('set/compose.yml', 'set');
      assert.equal(steps.length, 5);
      await must(deploy('set/compose.yml', 'set'));
      await assertAsPlanned(steps);
      assert.equal(await inside('set-store-1', 'sh', '-c', 'echo $INNER'), 'its own');
      // and so again, with what the first ones left behind
      await must(given().arpanet('rm', 'set'));
      const again = await planned('set/compose.yml', 'set');
      await must(deploy('set/compose.yml', 'set'));
      await assertAsPlanned(again);
      await take('set');
      await must(given().docker('volume', 'rm', 'set_data'));
    });
  });
}
