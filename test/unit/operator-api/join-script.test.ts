/** The script that machines join by, run with programs of its own in place of the machine's. It only checks: nothing of this machine is changed. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { joinScript } from '../../../src/operator-api/joining/script.ts';

const INSTALLER = { url: 'https://10.0.0.1:2376', pin: 'sha256//abc=', sha256: 'a'.repeat(64), version: '0.2.0' };
const PLACE = {
  schedulers: ['https://10.0.0.1:2376', 'https://10.0.0.4:2376'],
  pool: '10.32.0.0/12',
  store: 'consul://127.0.0.1:8500',
  isSealed: true,
};
const SCRIPT = joinScript(INSTALLER, PLACE);
const SHELLS = [['sh'], ['bash', '--posix'], ['busybox', 'ash']].filter(
  ([shell = '', ...more]) => spawnSync(shell, [...more, '-c', 'exit 0']).status === 0,
);

const INFO =
  '{"ID":"e1","ServerVersion":"26.1.0","LiveRestoreEnabled":true,"SecurityOptions":["name=seccomp"],"Swarm":{"LocalNodeState":"inactive"},"ContainerdCommit":{"ID":"c"}}';
/** A machine that may join. */
const FINE: Readonly<Record<string, string>> = {
  id: 'echo 0',
  uname: 'case $1 in -s) echo Linux;; *) echo x86_64;; esac',
  getconf: 'echo glibc 2.36',
  ldconfig: 'echo libstdc++.so.6',
  getent: 'echo 10.0.0.1 STREAM',
  unshare: 'exit 0',
  iptables: 'exit 0',
  ebtables: 'exit 0',
  ss: 'exit 0',
  df: "printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/x 9000000 1 8000000 1%% /\\n'",
  ip: `case "$*" in
    *'route get'*) echo '10.0.0.1 dev eth0 src 10.0.0.2 uid 0' ;;
    *'addr show'*) echo '2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0' ;;
    *'link show'*) echo '2: eth0: <UP> mtu 1500 qdisc noop' ;;
    *'route show'*) printf 'default via 10.0.0.254 dev eth0\\n10.0.0.0/24 dev eth0 proto kernel\\n10.32.0.0/22 dev arp00002a proto kernel\\n' ;;
  esac`,
  curl: `case "$*" in
    *docker/info*) echo '${INFO}' ;;
    *docker/version*) echo '{"Version":"26.1.0","ApiVersion":"1.45","MinAPIVersion":"1.24"}' ;;
    *join/check*) echo "$*" >>"$0.asked"; case "$*" in *' @-'*) cat >"$0.said";; esac; while [ $# -gt 0 ]; do [ "$1" = -o ] && printf 'ok|the name db-2 is free|\\n' >"$2"; shift; done; printf 200 ;;
  esac`,
};

describe('the script of a machine that joins', () => {
  const made: string[] = [];
  after(() => {
    for (const dir of made) rmSync(dir, { recursive: true, force: true });
  });

  function run(
    programs: Readonly<Record<string, string>> = {},
    args = ['--check', 'ARPTKN-1-aa-b_b', 'db-2'],
    shell = SHELLS[0] ?? ['sh'],
    { script = SCRIPT, environment = {} }: { readonly script?: string; readonly environment?: Readonly<Record<string, string>> } = {},
  ) {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-join-script-'));
    made.push(dir);
    mkdirSync(join(dir, 'tmp'));
    for (const [name, body] of Object.entries({ ...FINE, ...programs })) {
      writeFileSync(join(dir, name), `#!/bin/sh\n${body}\n`);
      chmodSync(join(dir, name), 0o755);
    }
    const [program = 'sh', ...more] = shell;
    const env = { PATH: `${dir}:${process.env['PATH'] ?? ''}`, TMPDIR: join(dir, 'tmp'), ...environment };
    const { status, stdout, stderr } = spawnSync(program, [...more, '-s', '--', ...args], { env, input: script, encoding: 'utf8' });
    return { status, text: `${stdout}${stderr}`, dir };
  }

  it('is read by every shell, has nothing left to fill in, and does nothing if it arrives in part', () => {
    assert.doesNotMatch(SCRIPT, /'@[A-Z0-9]+@'/);
    for (const [shell = '', ...more] of SHELLS) {
      execFileSync(shell, [...more, '-n'], { input: SCRIPT });
      assert.match(run({}, undefined, [shell, ...more]).text, /ok {4}the name db-2 is free/, shell);
    }
    assert.equal(SCRIPT.trimEnd().split('\n').at(-1), 'main "$@"');
    assert.throws(
      () => joinScript({ ...INSTALLER, version: "0'; rm -rf /; '" }, PLACE),
      /VERSION of the script has an unexpected character/,
    );
  });

  it('finds a machine fit, asks the pinned scheduler past any proxy, and leaves nothing behind', () => {
    const { status, text, dir } = run();
    assert.equal(status, 0, text);
    assert.match(text, /ok {4}Docker 26\.1\.0 answers/);
    assert.match(text, /ok {4}the other hosts reach it at 10\.0\.0\.2 \(eth0, 1500 bytes\)/);
    const asked = execFileSync('cat', [join(dir, 'curl.asked')], { encoding: 'utf8' });
    assert.match(asked, /--noproxy \* .*--pinnedpubkey sha256\/\/abc= --connect-to ::10\.0\.0\.1:2376 /);
    assert.doesNotMatch(asked, /ARPTKN/, 'arguments are in the list of processes');
    assert.match(
      execFileSync('cat', [join(dir, 'curl.said')], { encoding: 'utf8' }),
      /"token":"ARPTKN-1-aa-b_b","name":"db-2","address":"10\.0\.0\.2","engineId":"e1","apiVersion":"1\.45","minApiVersion":"1\.24"/,
    );
    assert.equal(execFileSync('ls', [join(dir, 'tmp')], { encoding: 'utf8' }), '');
    assert.equal(existsSync('/usr/local/lib/arpanet.new'), false);
  });

  const CASES: readonly (readonly [what: string, programs: Readonly<Record<string, string>>, words: RegExp])[] = [
    ['no root', { id: 'echo 1000' }, /FAIL {2}this needs root.*\n +run it with sudo/],
    ['another architecture', { uname: 'case $1 in -s) echo Linux;; *) echo aarch64;; esac' }, /FAIL {2}this is Linux on aarch64/],
    ['an old C library', { getconf: 'echo glibc 2.24' }, /FAIL {2}the C library is not glibc 2\.28/],
    ['no C++ library', { ldconfig: 'echo libc.so.6' }, /FAIL {2}there is no libstdc\+\+\.so\.6.*\n +install it/],
    ['musl', { getconf: 'exit 1' }, /FAIL {2}the C library is not glibc/],
    [
      'no vxlan',
      { unshare: 'case "$*" in *vxlan*) exit 2;; esac' },
      /FAIL {2}the kernel makes no vxlan device\n +load its module \(modprobe vxlan\)/,
    ],
    ['no bridge', { unshare: 'case "$*" in *bridge*) exit 2;; esac' }, /FAIL {2}the kernel makes no bridge device\n +load its module/],
    ['no iptables in the kernel', { unshare: 'case "$*" in *iptables*) exit 3;; esac' }, /FAIL {2}iptables does not work with this kernel/],
    [
      'no Docker',
      { curl: `case "$*" in *docker/*) exit 7;; esac; ${FINE['curl'] ?? ''}` },
      /FAIL {2}no Docker Engine answers.*\n.*apt-get install docker\.io/,
    ],
    [
      'Podman',
      { curl: (FINE['curl'] ?? '').replace('"Version":"26.1.0"', '"Components":[{"Name":"Podman Engine","Version":"4.3.1"}]') },
      /FAIL {2}it is Podman that answers.*\n +install Docker beside it/,
    ],
    ['a rootless Docker', { curl: (FINE['curl'] ?? '').replace('name=seccomp', 'name=rootless') }, /FAIL {2}this Docker is rootless/],
    [
      'a route in the pool',
      { ip: (FINE['ip'] ?? '').replace('10.0.0.0/24 dev eth0', '10.40.0.0/16 dev wg0') },
      /FAIL {2}this machine routes 10\.40\.0\.0\/16 dev wg0, which overlaps with 10\.32\.0\.0\/12/,
    ],
    ['a small MTU', { ip: (FINE['ip'] ?? '').replace('mtu 1500', 'mtu 1280') }, /FAIL {2}eth0 carries packets of 1280 bytes/],
    [
      'no route',
      { ip: (FINE['ip'] ?? '').replace("echo '10.0.0.1 dev", "true '10.0.0.1 dev") },
      /FAIL {2}there is no route to the scheduler at 10\.0\.0\.1/,
    ],
    [
      'the port of the gateway in use',
      { ss: `case "$*" in *2376*) echo 'LISTEN 0 9 *:2376 *:* users:(("dockerd",pid=9,fd=3))';; esac` },
      /FAIL {2}TCP port 2376 is in use: .*dockerd/,
    ],
    [
      'the port of VXLAN in use',
      { ss: `case "$*" in *4789*) echo 'UNCONN 0 0 *:4789 *:* users:(("x",pid=9,fd=3))';; esac` },
      /FAIL {2}UDP port 4789/,
    ],
    [
      'no space',
      { df: "printf 'Filesystem\\n/dev/x 9000000 1 100000 99%% /\\n'" },
      /FAIL {2}\/usr\/local has 100 MB free, and 400 are needed/,
    ],
    [
      'a proxy in between',
      {
        curl: (FINE['curl'] ?? '').replace(
          '*join/check*)',
          '*join/check*) echo "curl: (90) SSL: public key does not match pinned public key" >&2; exit 90;',
        ),
      },
      /FAIL {2}no answer from the scheduler at https:\/\/10\.0\.0\.1:2376: .*does not match pinned.*\n.*a proxy in between/,
    ],
    [
      'an old token',
      {
        curl: (FINE['curl'] ?? '')
          .replace('ok|the name db-2 is free|', '{"message":"the join token is wrong"}')
          .replace('printf 200', 'printf 401'),
      },
      /FAIL {2}the scheduler answers 401: the join token is wrong\n +run "arpanet hosts add" again/,
    ],
    [
      'a name that is taken',
      { curl: (FINE['curl'] ?? '').replace('ok|the name db-2 is free|', 'fail|the name db-2 is taken|choose another') },
      /FAIL {2}the name db-2 is taken\n +choose another/,
    ],
  ];
  for (const [what, programs, words] of CASES)
    it(`refuses ${what}, with what to do`, () => {
      const { status, text } = run(programs);
      assert.match(text, words);
      assert.equal(status, 1, text);
    });

  it('tries the way to other hosts once all else is fine, and never for who is in; what it cannot try it says', () => {
    const paths = (answer: string) => ({
      curl: `case "$*" in *join/paths*) cat >"$0.paths"; while [ $# -gt 0 ]; do [ "$1" = -o ] && printf '${answer}' >"$2"; shift; done; printf 200; exit;; esac; ${FINE['curl'] ?? ''}`,
    });
    const alone = run(paths('note|UDP 4789 was not tried: there is no other host yet|\\n'));
    assert.match(alone.text, /note {2}UDP 4789 was not tried: there is no other host yet/);
    assert.equal(
      readFileSync(join(alone.dir, 'curl.paths'), 'utf8'),
      '{"token":"ARPTKN-1-aa-b_b","name":"db-2","address":"10.0.0.2","mtu":1500}',
    );
    const closed = run({ ...paths('path|h1|10.0.0.1 169.254.77.1 7 169.254.77.254 1500\\n'), nsenter: 'exit 9' });
    assert.match(closed.text, /FAIL {2}no VXLAN device at UDP port 4789/, 'its devices cannot be made here');
    assert.equal(closed.status, 1);
    assert.equal(existsSync(join(run({ ...paths(''), df: 'exit 1' }).dir, 'curl.paths')), false, 'nothing else is tried first');
    assert.match(run().text, /note {2}UDP 4789 was not tried: the scheduler answers nothing/);
  });

  it('says what of Docker an administrator should know, and joins all the same', () => {
    const { text, status } = run({
      curl: (FINE['curl'] ?? '')
        .replace('"LiveRestoreEnabled":true', '"LiveRestoreEnabled":false')
        .replace('"LocalNodeState":"inactive"', '"LocalNodeState":"active"'),
    });
    assert.match(text, /note {2}Docker has no live-restore: containers end when it is restarted\. .*nothing here does/);
    assert.match(text, /note {2}Docker is in swarm mode/);
    assert.equal(status, 0, text);
  });

  it('another scheduler needs Consul, the cluster key and ports, and the store of a folder is shared with none', () => {
    const missing = run({ getent: 'echo 10.0.0.1 STREAM' }, ['--check', '--scheduler', 's2']).text;
    assert.match(missing, /FAIL {2}no Consul with a leader answers at 127\.0\.0\.1:8500/);
    assert.match(missing, /FAIL {2}there is no cluster key in \/var\/lib\/arpanet\/scheduler\/cluster\.key.*\n +copy it from a scheduler/);
    assert.doesNotMatch(missing, /tables/, 'no rules are made for it');
    const { store: _store, ...embedded } = PLACE;
    const alone = spawnSync('sh', ['-s', '--', '--check', '--scheduler', 's2'], {
      input: joinScript(INSTALLER, embedded),
      encoding: 'utf8',
    });
    assert.match(alone.stderr, /FAIL {2}the store of this cluster is a folder of its scheduler/);
    const needing = joinScript(INSTALLER, { ...PLACE, storeNeeds: 'a token' });
    const refused = spawnSync('sh', ['-s', '--', '--check', '--scheduler', 's2'], { input: needing, encoding: 'utf8' });
    assert.match(refused.stderr, /FAIL {2}Consul wants a token here, which this line hands to nobody\n +install the Debian package/);
    assert.equal(refused.status, 1);
    assert.match(run({}, ['--scheduler']).text, /^usage: /);
  });

  it('has the cluster key where the scheduler of its unit may write, which makes and rotates it there', () => {
    const unit = readFileSync(new URL('../../../scripts/packaging/systemd/arpanet-scheduler.service', import.meta.url), 'utf8');
    assert.match(unit, /^ProtectSystem=strict$/m);
    const folders = ['StateDirectory', 'LogsDirectory', 'RuntimeDirectory'].map(
      (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1],
    );
    assert.deepEqual(folders, ['arpanet/scheduler', 'arpanet', 'arpanet']);
    assert.ok(SCRIPT.includes(`\nstate=/var/lib/${folders[0]}\nkey=$state/cluster.key\n`));
  });

  it('names all that is in the way at once; an address of its own may be given', () => {
    const { text } = run({ df: 'exit 1', unshare: 'exit 1' });
    assert.equal(text.match(/^FAIL/gm)?.length, 4, text);
    assert.match(text, /Nothing was changed\. This line may be run again/);
    assert.match(run({}, ['--check', 'token', 'db-2', '10.9.9.9']).text, /FAIL {2}this machine does not have the address 10\.9\.9\.9/);
    assert.match(run({}, ['--check', 'token']).text, /^usage: /);
    assert.match(run({}, ['--check', 'to"ken', 'db-2']).text, /^usage: /);
    // a check that removes or upgrades would be none
    for (const words of ['--check --remove', '--check --upgrade', '--upgrade --remove', '--upgrade --scheduler', '--upgrade a;b'])
      assert.match(run({ id: 'echo 1000' }, words.split(' ')).text, words.endsWith(';b') ? /needs root/ : /^usage: /, words);
  });

  it('installs Docker where that was asked for, after all else was found fit, and says so before', () => {
    // this machine may have one
    const script = SCRIPT.replaceAll('has dockerd', 'has a-dockerd');
    const none = {
      curl: `case "$*" in *docker/*) exit 7 ;; esac\n${FINE['curl'] ?? ''}`,
      'apt-get': 'echo "$*" >>"$0.called"; echo no network; exit 100',
    };
    const asked = (words: readonly string[], programs = {}) =>
      run({ ...none, ...programs }, [...words, 'ARPTKN-1-aa-b_b', 'db-2'], undefined, { script });
    const checked = asked(['--check', '--install-docker']);
    assert.match(
      checked.text,
      /note {2}Docker is not on this machine: it will be installed once all checks are passed \(apt-get install docker\.io\)/,
    );
    assert.deepEqual([checked.status, existsSync(join(checked.dir, 'apt-get.called'))], [0, false]);
    const unfit = asked(['--install-docker'], { ss: 'echo LISTEN' });
    assert.deepEqual([unfit.status, existsSync(join(unfit.dir, 'apt-get.called'))], [1, false]);
    const failed = asked(['--install-docker']);
    assert.match(failed.text, /no network\nFAIL {2}Docker could not be installed\n.*nothing else was changed/);
    assert.equal(failed.status, 1);
    assert.match(asked(['--check']).text, /FAIL {2}no Docker Engine answers[\s\S]*--install-docker/);
  });

  it('says of a proxy that nothing goes through it to the scheduler, without its password, and sends a digest of the machine-id', () => {
    const behind = run({ cat: 'case "$*" in /etc/machine-id) echo abc ;; *) exec /bin/cat "$@" ;; esac' }, undefined, undefined, {
      environment: { https_proxy: 'http://ada:secret@proxy.example:3128' },
    });
    assert.match(behind.text, /note {2}there is a proxy \(proxy\.example:3128\): nothing goes through it/);
    assert.doesNotMatch(behind.text, /secret/);
    const digest = createHash('sha256').update('arpanet abc').digest('hex').slice(0, 32);
    assert.equal((JSON.parse(readFileSync(join(behind.dir, 'curl.said'), 'utf8')) as { readonly machine: string }).machine, digest);
  });
});
