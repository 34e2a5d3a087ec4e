/** Ops scale, update, drain; compose and docker go on with the same containers. Typed as a user types it, against three hosts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, endProcess, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

const file = `
services:
  web:
    image: busybox
    command: sh -c 'test -z "$$BROKEN" && mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www'
    stop_grace_period: 1s
  ask:
    image: busybox
    command: sleep 3600
    stop_grace_period: 1s
  one:
    image: busybox
    command: sleep 3600
    container_name: the-one
    stop_grace_period: 1s
`;

describe('services on three hosts', () => {
  let cluster: Cluster;
  let scratch: string;
  let project: string;
  before(async () => {
    cluster = await startCluster({ store: 'embedded' });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-services-'));
    project = join(scratch, 'abc');
    mkdirSync(project);
    writeFileSync(join(project, 'compose.yml'), file);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  const docker = (...args: string[]) => cluster.docker(...args);
  const compose = (...args: string[]) => must(cluster.composeV2(project, ...args));
  const lines = (text: string) => text.split('\n').filter(Boolean);
  const names = async (service: string, ...more: string[]) =>
    lines(await must(docker('ps', ...more, '--format', '{{.Names}}', '--filter', `label=com.docker.compose.service=${service}`))).sort();
  const hostOf = async (name: string) => (await must(docker('inspect', '-f', '{{.Node.Name}}', name))).trim();
  const fails = async (...args: string[]) => {
    const { code, stderr } = await cluster.arpanet(...args);
    assert.notEqual(code, 0, `arpanet ${args.join(' ')} was expected to fail`);
    return stderr;
  };
  const environment = async (name: string) => must(docker('inspect', '-f', '{{.Config.Env}}', name));
  const allHave = async (variable: string, isThere = true) =>
    until(`all have ${variable}, or none`, async () =>
      (await Promise.all((await names('web')).map(environment))).every((env) => env.includes(variable) === isThere),
    );
  const count = async (service: string) => {
    const [one] = JSON.parse(await must(cluster.arpanet('ps', service, '--json'))) as { desired: number; isHeld: boolean }[];
    return one;
  };

  it('scale makes instances as compose would have, newest go first, and compose sees them as its own', async () => {
    await compose('up', '-d');
    await must(cluster.arpanet('scale', 'abc/web=4'));
    assert.deepEqual(await names('web'), ['abc-web-1', 'abc-web-2', 'abc-web-3', 'abc-web-4']);
    assert.equal(new Set(await Promise.all((await names('web')).map(hostOf))).size, 3, 'spread over all hosts');
    assert.equal(lines(await compose('ps', '-q', 'web')).length, 4);
    await until('they are found by name', async () => /Name:./.test((await docker('exec', 'abc-ask-1', 'nslookup', 'web')).stdout));
    await must(cluster.arpanet('scale', 'web-1', 'ask+1'));
    assert.deepEqual(await names('web', '-a'), ['abc-web-1', 'abc-web-2', 'abc-web-3']);
    assert.deepEqual(await names('ask'), ['abc-ask-1', 'abc-ask-2']);
  });

  it('compose up --scale and scale set the same count', async () => {
    await compose('up', '-d', '--scale', 'web=2', '--scale', 'ask=1');
    const { desired, isHeld } = (await count('abc/web')) ?? {};
    assert.deepEqual([desired, isHeld], [2, true]);
    await compose('up', '-d', '--scale', 'web=3', '--scale', 'ask=1', '--force-recreate');
    assert.equal((await count('abc/web'))?.desired, 3);
    await sleep(2_000);
    assert.equal((await names('web', '-a')).length, 3, 'nobody fought');
  });

  it('holds the count: removed or killed behind our back is replaced, stopped through the API stays stopped', async () => {
    const [first = '', second = '', third = ''] = await names('web');
    const lives = async () =>
      lines((await docker('inspect', '-f', '{{if .State.Running}}{{.Id}} {{.State.StartedAt}}{{end}}', first, second)).stdout);
    const before = await lives();
    await must(cluster.engine(await hostOf(first), 'rm', '-f', first));
    await must(cluster.engine(await hostOf(second), 'kill', second));
    await must(docker('stop', '-t', '1', third));
    // Not those that are still listed because nobody has heard yet that they are gone.
    await until('two others run', async () => {
      const now = await lives();
      return now.length === 2 && !now.some((life) => before.includes(life)) && (await names('web')).join() === [first, second].join();
    });
    await sleep(3_000);
    assert.deepEqual(await names('web'), [first, second]);
    await must(docker('start', third));
    await must(docker('rm', '-f', third));
    await sleep(2_000);
    assert.deepEqual(await names('web', '-a'), [first, second], 'docker rm lowers the count');
  });

  it('refuses what cannot be, and names the next step', async () => {
    assert.match(await fails('scale', 'abc/wbe=2'), /no such service: abc\/wbe; did you mean abc\/web\?/);
    assert.match(await fails('scale', 'abc/web=-1'), /cannot have -1 instances: a count is 0 or more/);
    assert.match(await fails('scale', 'abc/web-9'), /cannot have -7 instances.*it has 2 now/);
    assert.match(await fails('scale', 'web'), /write SERVICE=COUNT/);
    assert.match(await fails('scale', 'abc=2'), /abc; it is a deployment: say which of its services, abc\/ask, abc\/one, abc\/web/);
    assert.match(await fails('update', 'abc/web'), /nothing to change: give --image, --env, --force/);
    const same = await cluster.arpanet('update', 'abc/web', '--image', 'busybox');
    assert.match(same.stderr, /abc\/web: its instances are up to date \(--force replaces them\)/);
    assert.match(await fails('scale', 'abc/one=2'), /all called "the-one": take container_name out/);
    assert.match(await fails('drain', 'h9'), /no such host: h9; there are h1, h2, h3/);
    assert.match(await fails('rollback', 'abc/ask'), /no earlier version to go back to/);
  });

  it('scale starts again what dies under it, and waits for that', async () => {
    const service = ['--label', 'arpanet.deployment=shy', '--label', 'arpanet.service=web', '--stop-timeout', '1'];
    await must(docker('run', '-d', ...service, 'busybox', 'sh', '-c', '[ -e /seen ] || { touch /seen; exit 1; }; exec sleep 600'));
    const began = Date.now();
    const [scaled] = JSON.parse(await must(cluster.arpanet('scale', 'shy/web=3', '--json'))) as { running: number }[];
    assert.equal(scaled?.running, 3);
    assert.ok(Date.now() - began < promisedMs(40_000), `after ${Date.now() - began} ms`);
    await must(cluster.arpanet('rm', 'shy'));
  });

  const address = async (name: string) =>
    (await must(docker('inspect', '-f', '{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}', name))).trim();

  it('update replaces instances one by one under load, under their names and addresses, and no request by the short hostname fails', async () => {
    const of = (service: string) => ['--label', 'arpanet.deployment=busy', '--label', `arpanet.service=${service}`, '--stop-timeout', '1'];
    // Without a check an instance counts as soon as it runs, which is before it listens.
    const check = ['--health-cmd', 'wget -qO /dev/null http://127.0.0.1/', '--health-interval', '1s'];
    const serve = 'mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www';
    await must(docker('run', '-d', ...of('site'), ...check, 'busybox', 'sh', '-c', serve));
    await must(docker('run', '-d', '--name', 'visitor', ...of('visitor'), 'busybox', 'sleep', '3600'));
    await must(cluster.arpanet('scale', 'busy/site=3'));
    const ids = async () => lines(await must(docker('ps', '-aq', '--filter', 'label=arpanet.service=site')));
    const before = await ids();
    const known = (await Promise.all(before.map(address))).sort();
    await must(docker('exec', 'visitor', 'touch', '/more'));
    const load = docker(
      'exec',
      'visitor',
      'sh',
      '-c',
      'n=0; while [ -e /more ]; do n=$((n+1)); wget -qO /dev/null http://site/ || echo "failed: $n" >&2; usleep 40000; done; echo $n',
    );
    await must(cluster.arpanet('update', 'busy/site', '--env', 'COLOUR=green'));
    await must(docker('exec', 'visitor', 'rm', '/more'));
    const { stdout: asked, stderr: failed } = await load;
    assert.equal(failed, '', `of ${asked} requests`);
    assert.equal(Number(asked) > 50, true, `${asked} requests`);
    const now = await ids();
    assert.deepEqual([now.length, now.filter((id) => before.includes(id))], [3, []]);
    assert.deepEqual((await Promise.all(now.map(address))).sort(), known);
    for (const id of now) assert.match(await environment(id), /COLOUR=green/);
    await must(cluster.arpanet('rm', 'busy'));
    await must(cluster.arpanet('scale', 'abc/web=3'));
  });

  it('an update that fails goes back by itself, and says why', async () => {
    const said = await fails('update', 'abc/web', '--image', '127.0.0.1:1/nothing:1');
    assert.match(said, /No such image: 127.0.0.1:1.nothing:1, and it cannot be pulled/);
    const before = await names('web');
    const rolled = await fails('update', 'abc/web', '--env', 'BROKEN=1');
    assert.match(rolled, /rolled back: update failed/);
    for (const name of await names('web')) assert.doesNotMatch(await environment(name), /BROKEN/);
    assert.equal((await names('web', '-a')).length, before.length);
    assert.match(await fails('rollback', 'abc/web'), /no earlier version to go back to/, 'not to what was no good');
  });

  it('drain moves what it may with names and addresses, says what stays and why; activate takes the host back', async () => {
    const host = await hostOf('the-one');
    await must(docker('run', '-d', '--name', 'single', '-e', `constraint:node==${host}`, 'busybox', 'sleep', '3600'));
    const known = [...(await names('web')), 'the-one'];
    const addresses = await Promise.all(known.map(address));
    const { stderr } = await cluster.arpanet('drain', host);
    await must(docker('rm', '-f', 'single'));
    assert.match(stderr, /single stays: no policy/);
    assert.deepEqual([...(await names('web')), 'the-one'], known);
    for (const name of known) assert.notEqual(await hostOf(name), host);
    assert.deepEqual(await Promise.all(known.map(address)), addresses);
    await must(cluster.arpanet('activate', host));
  });

  it('docker service, node and stack speak to the same containers as compose', async () => {
    const list = await must(docker('service', 'ls', '--format', '{{.Name}} {{.Replicas}}'));
    assert.deepEqual(lines(list).sort(), ['abc_ask 1/1', 'abc_one 1/1', 'abc_web 3/3']);
    await must(docker('service', 'scale', 'abc_web=2', '--detach'));
    await until('two are left', async () => (await names('web', '-a')).length === 2);
    assert.equal(lines(await must(docker('service', 'ps', '-q', 'abc_web'))).length, 2);
    await must(docker('service', 'update', '--no-resolve-image', '--env-add', 'COLOUR=blue', 'abc_web'));
    await allHave('COLOUR=blue');
    await must(docker('service', 'rollback', 'abc_web'));
    await allHave('COLOUR=blue', false);
    assert.match(await must(docker('service', 'inspect', '--pretty', 'abc_web')), /Replicas:\s+2/);

    await must(docker('node', 'update', '--label-add', 'disk=ssd', 'h2'));
    assert.match(await must(docker('node', 'inspect', '-f', '{{.Spec.Labels}}', 'h2')), /disk:ssd rack:h2/);
    assert.deepEqual(lines(await must(docker('node', 'ls', '--format', '{{.Hostname}} {{.Status}} {{.Availability}}'))), [
      'h1 Ready Active',
      'h2 Ready Active',
      'h3 Ready Active',
    ]);
    await must(
      docker(
        'service',
        'create',
        '-q',
        '--no-resolve-image',
        '--name',
        'solo',
        '--constraint',
        'node.labels.disk==ssd',
        'busybox',
        'sh',
        '-c',
        'echo here; exec sleep 3600',
      ),
    );
    assert.equal((await must(docker('node', 'ps', 'h2', '--format', '{{.Name}}'))).includes('solo.1'), true);
    await until('its line is read', async () => /solo\.1\.\S+@h2\s+\| here/.test(await must(docker('service', 'logs', 'solo'))));
    await must(docker('service', 'rm', 'solo'));
    const redOnes = async () => {
      const ids = lines(await must(docker('ps', '-q', '--filter', 'label=arpanet.service=every')));
      return ids.length === 0
        ? 0
        : lines(await must(docker('inspect', '-f', '{{.Config.Env}}', ...ids))).filter((env) => env.includes('COLOUR=red')).length;
    };
    const refused = async (...args: string[]) => {
      const { code, stderr } = await docker(...args);
      assert.notEqual(code, 0);
      return stderr;
    };
    const once = ['--mode', 'global', '--name', 'every', '--stop-grace-period', '1s'];
    await must(docker('service', 'create', '-q', '--no-resolve-image', ...once, 'busybox', 'sleep', '3600'));
    const hostsOfEvery = async () =>
      lines(await must(docker('ps', '--filter', 'label=arpanet.service=every', '--format', '{{.Label "arpanet.host"}}')))
        .sort()
        .join();
    await until('it runs once on every host', async () => (await hostsOfEvery()) === 'h1,h2,h3');
    await must(docker('service', 'update', '-q', '--no-resolve-image', '--env-add', 'COLOUR=red', 'every'));
    await until('and so does the next one', async () => (await hostsOfEvery()) === 'h1,h2,h3' && (await redOnes()) === 3, 60_000);
    await until('it is counted so', async () =>
      /^every global 3\/3$/m.test(await must(docker('service', 'ls', '--format', '{{.Name}} {{.Mode}} {{.Replicas}}'))),
    );
    assert.match(await fails('scale', 'every=2'), /it runs once on every host/);
    // a drain leaves alone what is being updated, as below
    const updated = async () => (await docker('service', 'inspect', '-f', '{{.UpdateStatus.State}}', 'every')).stdout.trim();
    await until('the update is completed', async () => (await updated()) === 'completed');
    await must(docker('node', 'update', '--availability', 'drain', 'h3'));
    await until('it ends on a host that is drained', async () => (await hostsOfEvery()) === 'h1,h2');
    await until('and is counted so', async () =>
      /^global 2\/2$/m.test(await must(docker('service', 'ls', '--format', '{{.Mode}} {{.Replicas}}'))),
    );
    await must(docker('node', 'update', '--availability', 'active', 'h3'));
    await until('it is back with the host', async () => (await hostsOfEvery()) === 'h1,h2,h3');
    await must(docker('service', 'update', '-d', '-q', '--no-resolve-image', '--update-delay', '5s', '--env-add', 'SIZE=9', 'every'));
    const during = await cluster.arpanet('drain', 'h3');
    assert.equal(during.code, 1, 'what cannot be ended stays, and is told');
    assert.match(during.stdout + during.stderr, /every-\d+ stays: default\/every is being updated \(started \d+ s ago\)/);
    const drainedAgain = async () => {
      await cluster.arpanet('drain', 'h3'); // what else stays there stays
      return (await hostsOfEvery()) === 'h1,h2';
    };
    await until('it ends there once the update is done', drainedAgain, 60_000);
    await must(docker('node', 'update', '--availability', 'active', 'h3'));
    await must(docker('service', 'rm', 'every'));
    assert.match(await refused('node', 'update', '--role', 'manager', 'h1'), /cannot become a manager/);
    const availability = async () => (await must(docker('node', 'inspect', '-f', '{{.Spec.Availability}}', 'h3'))).trim();
    await must(docker('node', 'update', '--availability', 'pause', 'h3'));
    assert.equal(await availability(), 'pause');
    await must(docker('node', 'update', '--availability', 'active', 'h3'));
    assert.equal(await availability(), 'active');
  });

  const refusedBy = async (...args: string[]) => {
    const { code, stderr } = await docker(...args);
    assert.notEqual(code, 0);
    return stderr;
  };

  it('secrets and configs are files in the containers of the services that name them, on whatever host', async () => {
    const secret = join(scratch, 'secret');
    writeFileSync(secret, 'sesame');
    await must(docker('secret', 'create', '--label', 'a=b', 'word', secret));
    await must(docker('config', 'create', 'conf', secret));
    assert.equal(await must(docker('secret', 'ls', '--filter', 'name=wo', '--format', '{{.Name}}')), 'word\n');
    assert.equal(await must(docker('config', 'inspect', '-f', '{{printf "%s" .Spec.Data}}', 'conf')), 'sesame\n');
    assert.match(await refusedBy('secret', 'create', 'word', secret), /secret word already exists/);
    const flags = ['--stop-grace-period', '1s', '--secret', 'source=word,mode=0400', '--config', 'source=conf,target=/etc/conf,uid=7'];
    await must(
      docker('service', 'create', '-q', '--no-resolve-image', '--name', 'safe', '--replicas', '2', ...flags, 'busybox', 'sleep', '3600'),
    );
    await until('both run', async () => lines(await must(docker('ps', '-q', '--filter', 'label=arpanet.service=safe'))).length === 2);
    for (const id of lines(await must(docker('ps', '-q', '--filter', 'label=arpanet.service=safe')))) {
      const said = await must(
        docker('exec', id, 'sh', '-c', 'cat /run/secrets/word /etc/conf; stat -c "%a %u" /run/secrets/word /etc/conf'),
      );
      assert.equal(said, 'sesamesesame400 0\n444 7\n');
    }
    assert.match(await refusedBy('secret', 'rm', 'word'), /secret 'word' is in use by the following service: safe/);
    await must(docker('service', 'update', '-q', '--no-resolve-image', '--secret-rm', 'word', 'safe'));
    await must(docker('secret', 'rm', 'word'));
    await must(docker('service', 'update', '-q', '--detach', '--no-resolve-image', '--env-add', 'X=1', '--update-delay', '1m', 'safe'));
    await must(docker('service', 'rm', 'safe'));
    await must(docker('config', 'rm', 'conf'));
    assert.match(await refusedBy('config', 'inspect', 'conf'), /conf/);
  });

  it('stack deploy, ps and rm', async () => {
    const stack = join(scratch, 'stack.yml');
    writeFileSync(
      stack,
      'version: "3.8"\nservices:\n  api:\n    image: busybox\n    command: sleep 3600\n    stop_grace_period: 1s\n    deploy: {replicas: 2}\n',
    );
    await must(docker('stack', 'deploy', '--resolve-image', 'never', '-c', stack, 'st'));
    await until(
      'both run',
      async () =>
        lines(await must(docker('stack', 'ps', 'st', '--format', '{{.CurrentState}}'))).filter((state) => state.startsWith('Running'))
          .length === 2,
    );
    const both = (await must(docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'st-api-1', 'st-api-2')))
      .trim()
      .split('\n');
    for (const name of ['api', 'st_api', 'tasks.api', 'tasks.st_api'])
      await until(`${name} leads to both`, async () => {
        const { stdout } = await docker('exec', 'st-api-1', 'nslookup', '-type=a', name);
        return both.every((address) => stdout.includes(address));
      });
    assert.match(await must(docker('stack', 'ls')), /st\s+1/);
    assert.equal(
      (await must(docker('stack', 'services', 'st', '--format', '{{.Name}} {{.Mode}} {{.Replicas}}'))).trim(),
      'st_api replicated 2/2',
    );
    await must(docker('stack', 'rm', 'st'));
    assert.equal((await must(docker('ps', '-aq', '--filter', 'name=st-api'))).trim(), '');
  });

  it('swarm files: networks by any name, templates, node ids, and a swarm that is left by one', async () => {
    await must(docker('network', 'create', '-d', 'overlay', '--attachable', 'traefik-public'));
    await must(docker('network', 'create', 'plain'));
    const files = join(scratch, 'tpl.yml');
    const service = 'image: busybox\n    command: sleep 3600\n    stop_grace_period: 1s\n    networks: [traefik-public]';
    const text = `version: "3.8"\nservices:\n  api:\n    ${service}\n    hostname: "{{.Service.Name}}-{{.Task.Slot}}"\n    environment: ["ON={{.Node.Hostname}}", "TASK={{.Task.ID}}"]\n    volumes: ["data:/data"]\n    deploy: {replicas: 2}\nnetworks: {traefik-public: {external: true}}\nvolumes: {data: {name: "data-{{.Task.Slot}}"}}\n`;
    writeFileSync(files, text);
    await must(docker('stack', 'deploy', '--resolve-image', 'never', '-c', files, 'tpl'));
    const two = async () => lines(await must(docker('ps', '--format', '{{.Names}}', '--filter', 'name=tpl-api'))).sort();
    await until('both run', async () => (await two()).length === 2);
    const tasks = lines(await must(docker('service', 'ps', '--no-trunc', '-q', 'tpl_api')));
    for (const [i, name] of (await two()).entries()) {
      const [on, task, hostname] = lines(await must(docker('exec', name, 'sh', '-c', 'echo $ON; echo $TASK; hostname')));
      assert.deepEqual([on, hostname], [await hostOf(name), `tpl_api-${i + 1}`]);
      assert.ok(tasks.includes(task ?? ''), `${task} is one of ${tasks.join()}`);
      const networks = await must(docker('inspect', '-f', '{{json .NetworkSettings.Networks}} {{(index .Mounts 0).Name}}', name));
      assert.match(networks, new RegExp(`"traefik-public".* data-${i + 1}`));
    }
    await must(docker('stack', 'rm', 'tpl'));
    const id = (await must(docker('node', 'inspect', '-f', '{{.ID}}', 'h3'))).trim();
    const flags = [
      '-q',
      '--no-resolve-image',
      '--stop-grace-period',
      '1s',
      '--constraint',
      `node.id==${id}`,
      '--constraint',
      'node.platform.arch==x86_64',
    ];
    await must(docker('service', 'create', ...flags, '--name', 'near', '--network', 'plain', 'busybox', 'sleep', '3600'));
    await until('it runs', async () => (await must(docker('ps', '-q', '--filter', 'label=arpanet.service=near'))) !== '');
    const near = async () => (await must(docker('ps', '-q', '--filter', 'label=arpanet.service=near'))).trim();
    const networksOf = async () => {
      const said = await docker('inspect', '-f', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}{{.Node.Name}}', await near());
      return said.stdout.trim();
    };
    assert.equal(await networksOf(), 'plain h3');
    const known = async () =>
      (await docker('inspect', '-f', '{{.Name}} {{.NetworkSettings.Networks.plain.IPAddress}}', await near())).stdout.trim();
    const before = await known();
    const update = ['--update-order', 'start-first', '--network-add', 'traefik-public'];
    await must(docker('service', 'update', '-q', '--no-resolve-image', ...update, 'near'));
    const isOnBoth = async () => (await networksOf()) === 'plain traefik-public h3' && (await known()) === before;
    await until('it is on both, under its name and address', isOnBoth, 60_000);
    await must(docker('swarm', 'leave', '--force'));
    assert.match(await must(docker('service', 'ls')), /near/, 'nothing has changed for the next one');
    await until('the update has ended', async () => (await docker('service', 'rm', 'near')).code === 0);
    await must(docker('network', 'rm', 'plain', 'traefik-public'));
    await must(docker('volume', 'rm', 'data-1', 'data-2'));
  });

  it('jobs run to their end, so many at once, and again after an update; a restart policy waits and gives up', async () => {
    const short = ['-q', '--no-resolve-image'];
    // the CLI waits until the job is done
    await must(
      docker(
        'service',
        'create',
        ...short,
        '--mode',
        'replicated-job',
        '--replicas',
        '2',
        '--max-concurrent',
        '1',
        '--name',
        'sums',
        'busybox',
        'true',
      ),
    );
    const modes = async () =>
      lines(await must(docker('service', 'ls', '--format', '{{.Name}} {{.Mode}} {{.Replicas}}', '--filter', 'name=sums')));
    await until('it is counted so', async () => (await modes()).join() === 'sums replicated job 0/1 (2/2 completed)');
    const containers = async (service: string) =>
      lines(await must(docker('ps', '-aq', '--filter', `label=arpanet.service=${service}`))).sort();
    const first = await containers('sums');
    assert.equal(first.length, 2);
    await must(docker('service', 'update', ...short, '--force', 'sums'));
    await until('two others have run', async () => {
      const second = await containers('sums');
      return second.length === 2 && !second.some((id) => first.includes(id));
    });
    await must(
      docker(
        'service',
        'create',
        ...short,
        '--mode',
        'global-job',
        '--name',
        'each',
        'busybox',
        'sh',
        '-c',
        '[ -e /seen ] || { touch /seen; exit 1; }',
      ),
    );
    const done = async () => {
      const tasks = lines(await must(docker('service', 'ps', 'each', '--format', '{{.Node}} {{.CurrentState}}')));
      return tasks.map((task) => task.split(' ').slice(0, 2).join(' ')).sort();
    };
    await until(
      'what failed once was run again, on every host',
      async () => (await done()).join() === 'h1 Complete,h2 Complete,h3 Complete',
    );
    const policy = ['--restart-delay', '3s', '--restart-max-attempts', '1', '--name', 'flaky'];
    await must(docker('service', 'create', ...short, '-d', ...policy, 'busybox', 'sh', '-c', 'date +%s; exit 1'));
    // Of two containers, whichever is read first.
    const times = async () =>
      lines((await docker('service', 'logs', '--raw', 'flaky')).stdout)
        .map(Number)
        .toSorted((a, b) => a - b);
    await until('it was started again', async () => (await times()).length === 2);
    const [began = 0, again = 0] = await times();
    assert.ok(again - began >= 3, `after ${again - began} s`);
    await sleep(5_000);
    assert.equal((await times()).length, 2, 'and not once more');
    await must(docker('service', 'rm', 'sums', 'each', 'flaky'));
  });

  it('says how many fit, and that another change runs', async () => {
    await must(
      docker('run', '-d', '--label', 'arpanet.service=big', '--name', 'big', '--memory-reservation', '8g', 'busybox', 'sleep', '3600'),
    );
    const said = await fails('scale', 'big=40');
    const fits = Number(/big cannot have 40 instances: (\d+) fit\. For one more, no host fits/.exec(said)?.[1]);
    assert.equal(fits > 0 && fits < 40, true, said);
    // Nothing is reserved, and yet there is an end: the network's addresses.
    assert.match(
      await fails('scale', 'abc/web=9999'),
      /abc\/web cannot have 9999 instances: \d{3,4} fit\. For one more, no available IPv4 addresses/,
    );
    assert.match(await fails('scale', 'abc/web=1000000'), /cannot have 1000000 instances: a service has at most 10000/);
    const updating = cluster.arpanet('update', 'abc/web', '--force', '--delay', '10s');
    // Not before it holds the service: it would be refused itself.
    await until('it is under way', async () => /"update": "updating/.test(await must(cluster.arpanet('ps', 'abc/web', '--json'))));
    assert.match(await fails('scale', 'abc/web=2'), /abc\/web is being updated/);
    await must(updating);
    await must(docker('rm', '-f', 'big'));
    assert.equal((await count('abc/web'))?.desired, 2);
  });

  it('what a lost host ran comes up elsewhere; when the host is back the spare goes', async () => {
    await must(cluster.arpanet('scale', 'abc/web=3'));
    const lost = await hostOf((await names('web'))[0] ?? '');
    const agent = cluster.agents.get(lost);
    if (agent !== undefined) await endProcess(agent);
    const running = async () => (await operator<{ running: number; instances: unknown[] }[]>(cluster, 'services?of=abc/web'))[0];
    const state = async () =>
      (await operator<{ name: string; state: string }[]>(cluster, 'hosts')).find(({ name }) => name === lost)?.state;
    await until('the host is called down', async () => (await state()) === 'down', 60_000);
    await until('three run on the other hosts', async () => (await running())?.running === 3, 90_000);
    await cluster.startAgent(lost);
    await until('the host is back', async () => (await state()) === 'alive', 60_000);
    await until('the spare is gone', async () => (await running())?.instances.length === 3, 60_000);
    assert.equal((await names('web')).length, 3);
  });

  it('compose down takes all of it away', async () => {
    await compose('down', '-t', '1');
    assert.equal(JSON.parse(await must(cluster.arpanet('ls', '--json'))).length, 0);
    await assertNothingLeft(cluster, []);
  });
});
