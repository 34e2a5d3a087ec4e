/** What the script that machines join by takes off and replaces: run below a folder of its own, with programs of its own in place of those that change a machine. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { joinScript } from '../../../src/operator-api/joining/script.ts';

const PLACE = { schedulers: ['https://10.0.0.1:2376'], pool: '10.32.0.0/12', store: 'consul://127.0.0.1:8500', isSealed: true };
const OURS = '# Written by the line of "arpanet schedulers add"; more\nname: s2\n';
/** Programs that change a machine, or tell of it. */
const HARMLESS = {
  id: 'echo 0',
  ss: 'exit 0',
  getent: 'echo "arpanet:x:9:9:arpanet scheduler, made by arpanet schedulers add:/:/"',
  df: "printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/x 9000000 1 8000000 1%% /\\n'",
  ...Object.fromEntries(
    ['ip', 'iptables', 'ip6tables', 'ebtables', 'nft', 'systemctl', 'userdel', 'chown', 'useradd', 'curl', 'sleep'].map((name) => [
      name,
      'exit 0',
    ]),
  ),
};

describe('the script, where it changes a machine', () => {
  const made: string[] = [];
  after(() => {
    for (const dir of made) rmSync(dir, { recursive: true, force: true });
  });

  /** A machine in a folder. `files`: what it has; `programs`: what they do beside writing down how they were called. */
  function machine(files: Readonly<Record<string, string>>, programs: Readonly<Record<string, string>> = {}, sha256 = 'a'.repeat(64)) {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-join-changes-'));
    made.push(dir);
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
      chmodSync(join(dir, path), 0o755);
    };
    for (const [path, text] of Object.entries({ 'run/systemd/system/x': '', ...files })) write(path, text);
    for (const [name, body] of Object.entries({ ...HARMLESS, ...programs }))
      write(`programs/${name}`, `#!/bin/sh\necho "${name} $*" >>"${dir}/called"\n${body}\n`);
    const installer = { url: 'https://10.0.0.1:2376', pin: 'sha256//abc=', sha256, version: '0.2.0' };
    const script = joinScript(installer, PLACE).replaceAll(
      /(?<![\w.}'])\/(usr\/l|etc\/|var\/lib|var\/run|run\/systemd)/g,
      (path) => `${dir}${path}`,
    );
    for (const path of ['/etc/arpanet', '/var/lib/arpanet', '/usr/local/lib', '/run/systemd'])
      assert.equal(script.split(`${dir}${path}`).length, script.split(path).length, `${path} is that of the folder alone`);
    const run = (args: string, env: Readonly<Record<string, string>> = {}) => {
      const { status, stdout, stderr } = spawnSync('sh', ['-s', '--', ...args.split(' ')], {
        env: { PATH: `${join(dir, 'programs')}:${process.env['PATH'] ?? ''}`, TMPDIR: dir, ARPANET_JOIN_TRIES: '1', ...env },
        input: script,
        encoding: 'utf8',
      });
      return { status, text: `${stdout}${stderr}` };
    };
    const has = (path: string): boolean => existsSync(join(dir, path));
    const called = (): string => readFileSync(join(dir, 'called'), 'utf8');
    return { dir, run, has, called, write, text: (path: string) => readFileSync(join(dir, path), 'utf8') };
  }
  const HOST = {
    'etc/arpanet/agent.yaml': 'name: h2\n',
    'etc/systemd/system/arpanet-agent.service': '',
    'var/lib/arpanet/agent/identity.json': '{}',
  };
  const SCHEDULER = {
    'etc/arpanet/scheduler.yaml': OURS,
    'etc/systemd/system/arpanet-scheduler.service': '',
    'var/lib/arpanet/scheduler/cluster.key': 'abc',
    'var/lib/arpanet/scheduler/cluster.key.identity-bee38950cb2d': 'sealed',
  };
  const PROGRAM = { 'usr/local/lib/arpanet/bin/arpanet': '#!/bin/sh\necho 0.1.0\n' };

  it('--remove takes the host off and leaves a scheduler as it is; --scheduler --remove takes that off, and never the cluster key', () => {
    const both = machine({ ...HOST, ...SCHEDULER, ...PROGRAM });
    const host = both.run('--remove');
    assert.match(host.text, /the host of arpanet is not on this machine any more; its scheduler is/);
    assert.equal(both.has('etc/arpanet/agent.yaml') || both.has('var/lib/arpanet/agent'), false);
    for (const path of Object.keys({ ...SCHEDULER, ...PROGRAM })) assert.ok(both.has(path), path);
    assert.doesNotMatch(both.called(), /userdel|arpanet-scheduler/);
    const rest = both.run('--scheduler --remove');
    assert.match(
      rest.text,
      /note {2}the cluster key stays in .*\/var\/lib\/arpanet\/scheduler\/cluster\.key[\s\S]*arpanet is not on this machine/,
    );
    for (const path of ['etc/arpanet', 'etc/systemd/system/arpanet-scheduler.service', 'usr/local/lib/arpanet'])
      assert.equal(both.has(path), false, path);
    assert.ok(both.has('var/lib/arpanet/scheduler/cluster.key'));
    assert.ok(!both.has('var/lib/arpanet/scheduler/cluster.key.identity-bee38950cb2d'), 'its copy of the CA');
    assert.match(both.called(), /systemctl disable --now arpanet-scheduler[\s\S]*userdel arpanet/);
    assert.equal(both.run('--scheduler --remove').status, 0, 'again');
  });

  it('--scheduler --remove leaves the host, settings of others, and a user of others', () => {
    const other = machine(
      { ...HOST, ...SCHEDULER, ...PROGRAM, 'etc/arpanet/scheduler.yaml': '# mine\ncluster-key: /x/key\n' },
      { getent: 'echo arpanet:x:9:9:somebody:/:/' },
    );
    const { text } = other.run('--scheduler --remove');
    assert.match(text, /scheduler\.yaml stays[\s\S]*the scheduler of arpanet is not on this machine any more; its host is/);
    for (const path of Object.keys({ ...HOST, ...PROGRAM })) assert.ok(other.has(path), path);
    assert.ok(other.has('etc/arpanet/scheduler.yaml'));
    assert.doesNotMatch(other.called(), /userdel|arpanet-agent/);
  });

  it('--remove takes off what agents have in the kernel, and what is of others stays', () => {
    const { run, called } = machine(
      { ...HOST, ...PROGRAM },
      {
        ip: `case "$*" in
          *'link show'*) printf '2: eth0: <UP>\\n3: arw0a000001a: <UP>\\n4: arp00002a: <UP>\\n5: arv00002a@eth0: <UP>\\n6: arwen: <UP>\\n' ;;
          *'addr show dev lo'*) printf '1: lo    inet6 fd61:7270:616e::a00:1/128 scope global\\n1: lo    inet6 fd00::1/128 scope global\\n1: lo    inet6 ::1/128 scope host\\n' ;;
        esac`,
        ip6tables: `case "$*" in *'-t mangle -S') printf -- '-P INPUT ACCEPT\\n-N ARPANET-HOSTS\\n-N ARPANET-INSIDE\\n-A INPUT ! -i arw+ -p udp -m udp --dport 7374 -j DROP\\n-A INPUT -i arp+ -j ARPANET-INSIDE\\n-A INPUT -i eth0 -j DROP\\n' ;; esac`,
        iptables: `case "$*" in *'-t filter -S') printf -- '-A DOCKER-USER -m connmark --mark 0x8000000/0x8000000 -m comment --comment arpanet-ingress -j ACCEPT\\n-A DOCKER-USER -j RETURN\\n' ;; esac`,
      },
    );
    assert.equal(run('--remove').status, 0);
    const calls = called();
    assert.deepEqual(
      [...calls.matchAll(/^ip link del (\S+)$/gm)].map(([, name]) => name),
      ['arw0a000001a', 'arp00002a', 'arv00002a'],
    );
    assert.deepEqual([...calls.matchAll(/^ip .*addr del .*$/gm)].map(String), ['ip -6 addr del fd61:7270:616e::a00:1/128 dev lo']);
    assert.deepEqual([...calls.matchAll(/^ip6tables .* -[DFX] .*$/gm)].map(String), [
      'ip6tables -w 5 -t mangle -D INPUT ! -i arw+ -p udp -m udp --dport 7374 -j DROP',
      'ip6tables -w 5 -t mangle -D INPUT -i arp+ -j ARPANET-INSIDE',
      'ip6tables -w 5 -t mangle -F ARPANET-HOSTS',
      'ip6tables -w 5 -t mangle -F ARPANET-INSIDE',
      'ip6tables -w 5 -t mangle -X ARPANET-HOSTS',
      'ip6tables -w 5 -t mangle -X ARPANET-INSIDE',
    ]);
    assert.match(calls, /^iptables -w 5 -t filter -D DOCKER-USER .*arpanet-ingress -j ACCEPT$/m);
    assert.doesNotMatch(calls, /-D DOCKER-USER -j RETURN/);
    assert.match(calls, /^nft delete table ip arpanet-ingress$/m);
  });

  it('--clear, as the Debian package is removed, takes off the rules, and the networks once no container of the cluster is left; files stay', () => {
    const links = `case "$*" in *'link show'*) printf '3: arp00002a: <UP>\\n' ;; esac`;
    const docker = (containers: string) => `case "$*" in *docker/version*) echo '{}' ;; *containers/json*) echo '${containers}' ;; esac`;
    const used = machine({ ...HOST, ...PROGRAM }, { ip: links, curl: docker(`[{"Id":"${'a'.repeat(64)}"}]`) });
    assert.match(used.run('--clear').text, /note {2}1 containers of the cluster are here, and their networks stay/);
    assert.match(used.called(), /^nft delete table ip arpanet-ingress$/m);
    assert.doesNotMatch(used.called(), /link del/);
    const empty = machine({ ...HOST, ...PROGRAM }, { ip: links, curl: docker('[]') });
    assert.equal(empty.run('--clear').status, 0);
    assert.match(empty.called(), /^ip link del arp00002a$/m);
    for (const path of Object.keys({ ...HOST, ...PROGRAM })) assert.ok(empty.has(path), path);
    assert.equal(empty.run('--check --clear').status, 2);
  });

  it('--clear leaves networks where Docker does not say which containers are here, and ends no other haproxy that has the number of the one before', async () => {
    const links = `case "$*" in *'link show'*) printf '3: arp00002a: <UP>\\n' ;; esac`;
    const curl = `case "$*" in *docker/version*) echo '{}' ;; *containers/json*) echo '{"message":"busy"}' ;; esac`;
    const own = machine({ ...HOST, ...PROGRAM, 'var/run/x': '' }, { ip: links, curl });
    const docker = createServer().listen(join(own.dir, 'var/run/docker.sock'));
    await once(docker, 'listening');
    const configs = ['/etc/haproxy/haproxy.cfg', join(own.dir, 'var/lib/arpanet/agent/http/haproxy.cfg')];
    const [theirs, ours] = configs.map((config) => spawn('sh', ['-c', 'read line', '-f', config], { argv0: 'haproxy' }));
    try {
      assert.ok(theirs !== undefined && ours !== undefined);
      own.write('var/lib/arpanet/agent/http/haproxy.pid', `${theirs.pid}\n`);
      assert.match(own.run('--clear').text, /note {2}the cluster's networks stay: Docker does not answer/);
      assert.doesNotMatch(own.called(), /link del/);
      own.write('var/lib/arpanet/agent/http/haproxy.pid', `${ours.pid}\n`);
      const ended = once(ours, 'exit');
      own.run('--clear');
      await ended;
      assert.equal(theirs.exitCode ?? theirs.signalCode, null);
    } finally {
      theirs?.kill();
      ours?.kill();
      docker.close();
    }
  });

  /** A scheduler's package, and a curl that hands it out; the leader says what is in the file `leader`. */
  function upgraded(files: Readonly<Record<string, string>> = {}, programs: Readonly<Record<string, string>> = {}) {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-join-package-'));
    made.push(dir);
    mkdirSync(join(dir, 'tree/bin'), { recursive: true });
    mkdirSync(join(dir, 'tree/lib/systemd'), { recursive: true });
    writeFileSync(join(dir, 'tree/bin/arpanet'), '#!/bin/sh\necho 0.2.0\n', { mode: 0o755 });
    for (const unit of ['agent', 'scheduler'])
      writeFileSync(join(dir, `tree/lib/systemd/arpanet-${unit}.service`), `ExecStart=/usr/bin/arpanet ${unit}\n`);
    execFileSync('tar', ['-czf', join(dir, 'package.tar.gz'), '-C', join(dir, 'tree'), '.']);
    const sha256 = createHash('sha256')
      .update(readFileSync(join(dir, 'package.tar.gz')))
      .digest('hex');
    const curl = `case "$*" in
      *docker/info*) echo '{"ID":"x","ServerVersion":"20.10.5"}'; exit 0 ;;
      *docker/version*) echo '{"ApiVersion":"1.41"}'; exit 0 ;;
      *docker/*) exit 7 ;;
      *join/check*) body=$(cat); echo "$body" >>"$0.said"; from=$(dirname "$0")/leader
        case "$body" in *'"token":"gone"'*) from=$(dirname "$0")/refusal ;; esac ;;
      *package*) from=${dir}/package.tar.gz ;;
      *) from=/dev/null ;;
    esac
    while [ $# -gt 0 ]; do [ "$1" = -o ] && cp "$from" "$2"; shift; done; grep -q message "$from" && printf 401 || printf 200`;
    return machine(
      {
        ...HOST,
        ...PROGRAM,
        ...files,
        'etc/arpanet/token': 'old\n',
        'programs/leader': 'ok|fine|\n',
        'programs/refusal': '{"message":"the join token is wrong"}',
      },
      { curl, ...programs },
      sha256,
    );
  }
  const releaseOf = ({ dir }: { readonly dir: string }, folder = 'arpanet') =>
    execFileSync(join(dir, 'usr/local/lib', folder, 'bin/arpanet'), { encoding: 'utf8' }).trim();

  it('an upgrade that was ended in between and fails then has the release back that came in last', () => {
    const host = upgraded();
    const link = join(host.dir, 'usr/local/bin/arpanet');
    mkdirSync(dirname(link), { recursive: true });
    execFileSync('ln', ['-s', join(host.dir, 'usr/local/lib/arpanet/bin/arpanet'), link]);
    for (const time of ['once', 'again']) {
      assert.notEqual(host.run('--upgrade', { ARPANET_TEST_END_AT: 'start' }).status, 0);
      assert.deepEqual([releaseOf(host), releaseOf(host, 'arpanet.old')], ['0.2.0', '0.1.0'], time);
    }
    const failed = host.run('--upgrade');
    assert.match(failed.text, /FAIL {2}h2 did not come in with 0\.2\.0 within a minute, and has 0\.1\.0 back/);
    assert.equal(releaseOf(host), '0.1.0');
    assert.equal(host.has('usr/local/lib/arpanet.old'), false);
    host.write('programs/leader', 'joined||0.2.0\n');
    assert.match(host.run('--upgrade').text, /h2 has 0\.2\.0 now, and had 0\.1\.0/);
    assert.match(host.run('--upgrade').text, /h2 has 0\.2\.0 already/);
  });

  it('a package that does not come whole leaves the release of before, and nothing beside it', () => {
    // as where the disk is full
    const host = upgraded({}, { tar: 'echo x >"$4/x"; exit 2' });
    assert.match(host.run('--upgrade').text, /FAIL {2}the package cannot be unpacked\n +is there space in .*\/usr\/local\?/);
    assert.equal(releaseOf(host), '0.1.0');
    assert.equal(host.has('usr/local/lib/arpanet.new'), false);
  });

  it('an upgrade starts a scheduler of the same program before the agent, has both back with the release before, and leaves alone who has it', () => {
    const both = upgraded(SCHEDULER);
    const restarts = () => [...both.called().matchAll(/systemctl restart arpanet-(\w+)/g)].map(([, unit]) => unit).join(' ');
    both.run('--upgrade');
    assert.equal(restarts(), 'scheduler agent scheduler agent', 'the agent did not come in');
    assert.equal(releaseOf(both), '0.1.0');
    both.write('called', '');
    both.write('programs/leader', 'joined||0.2.0\n');
    both.run('--upgrade');
    assert.equal(restarts(), 'scheduler agent');
    both.write('called', '');
    both.write('programs/leader', 'ok|fine|\n');
    both.run('--upgrade');
    assert.doesNotMatch(restarts(), /scheduler/, 'the program was placed before: the scheduler has it');
  });

  it('a join that replaces the program starts a scheduler of it again, also where it was ended in between', () => {
    const ip = `case "$*" in
      *'addr show'*) echo '2: eth0    inet 10.0.0.2/24 scope global eth0' ;;
      *'link show dev'*) echo '2: eth0: <UP> mtu 1500 qdisc' ;;
    esac`;
    const both = upgraded(SCHEDULER, { ip, unshare: 'exit 0' });
    const restarts = () => [...both.called().matchAll(/systemctl restart arpanet-(\w+)/g)].map(([, unit]) => unit).join(' ');
    both.run('token h2 10.0.0.2', { ARPANET_TEST_END_AT: 'unit' });
    assert.equal(releaseOf(both), '0.2.0');
    both.write('programs/leader', 'joined||0.2.0\n');
    assert.match(both.run('token h2 10.0.0.2').text, /h2 has joined/);
    assert.equal(restarts(), 'scheduler agent');
    both.write('called', '');
    both.run('token h2 10.0.0.2');
    assert.equal(restarts(), 'agent', 'it has that program already');
  });

  it('an agent that does it hands over the token in a file', () => {
    const host = upgraded();
    host.write('handed', 'of-now\n');
    host.write('programs/leader', 'joined||0.2.0\n');
    assert.match(host.run('--upgrade', { ARPANET_TOKEN_FILE: join(host.dir, 'handed') }).text, /h2 has 0\.2\.0 now/);
    assert.match(host.text('programs/curl.said'), /"token":"of-now"/);
    assert.equal(host.text('etc/arpanet/token'), 'old\n', 'it is for the upgrade, and is not kept');
  });

  it('an upgrade takes the join token of its line, and keeps it once the leader has taken it, in place of one that joins nobody', () => {
    const host = upgraded();
    host.write('programs/leader', '{"message":"the join token is wrong"}');
    const refused = host.run('--upgrade new');
    assert.match(refused.text, /FAIL {2}the scheduler answers 401: the join token is wrong\n +run "arpanet upgrade" again/);
    assert.equal(host.text('etc/arpanet/token'), 'old\n');
    assert.match(host.text('programs/curl.said'), /"token":"new"/);
    host.write('programs/leader', 'joined||0.2.0\n');
    assert.match(host.run('--upgrade new').text, /h2 has 0\.2\.0 now/);
    assert.equal(host.text('etc/arpanet/token'), 'old\n', 'the one of the line has an end, and this one joins still');
    host.write('etc/arpanet/token', 'gone\n');
    assert.match(host.run('--upgrade newer').text, /h2 has 0\.2\.0 already/);
    assert.equal(host.text('etc/arpanet/token'), 'newer\n');
    assert.match(host.run('--upgrade a;b').text, /^usage: /);
  });
});
