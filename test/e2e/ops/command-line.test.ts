/** The command line: settings and where they come from, the join token, exit codes. No engines are needed. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { endProcess, main, must, runProgram, start, until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { spawnMortal } from '../../support/cluster/mortal.ts';

/** Stands for systemd: writes the datagrams that it gets on a socket to a file. */
const RECEIVER = `import socket, sys
taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taken.bind(sys.argv[1])
with open(sys.argv[2], 'ab', 0) as notes:
    while True: notes.write(taken.recv(4096) + b'\\n')`;

describe('the arpanet command', () => {
  let dir: string;
  const running: ChildProcess[] = [];
  const env = { ...process.env, ARPANET_JOIN_TOKEN: undefined, DOCKER_HOST: undefined };
  const arpanet = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    runProgram(process.execPath, [main, ...args], { env: { ...env, ...more }, timeoutMs: 90_000 });
  /** A scheduler on the embedded store; its log is read to wait for what it says. */
  const scheduler = async (name: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
    const port = await freePort();
    const log = join(dir, `${name}-${port}.log`);
    const child = start(
      ['scheduler', '--listen', `tcp://127.0.0.1:${port}`, '--dns-listen', 'none', '--store', `embedded:${join(dir, name)}`, ...args],
      { ...env, ...more },
      log,
    );
    running.push(child);
    const url = `http://127.0.0.1:${port}`;
    await until(`${name} leads`, async () => (await fetch(`${url}/arpanet/v1/token`)).ok);
    return { child, url, said: () => readFileSync(log, 'utf8') };
  };
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'arpanet-cli-'));
  });
  after(async () => {
    await Promise.all(running.map(endProcess));
    rmSync(dir, { recursive: true, force: true });
  });

  it('names the files of src in the stacks of what runs for long, and spends no time on that in a short command', async () => {
    const said = 'data:text/javascript,process.on("exit",()=>console.log("maps",process.sourceMapsEnabled))';
    const maps = async (...args: readonly string[]) => {
      const { stdout } = await runProgram(process.execPath, ['--import', said, main, ...args], { env });
      return /^maps (\w+)$/m.exec(stdout)?.[1];
    };
    assert.equal(await maps('scheduler', '--listen', 'nowhere'), 'true');
    assert.equal(await maps('--version'), 'false');
  });

  it('makes a join token at its first start and keeps it in the store', async () => {
    const first = await scheduler('kept', []);
    const token = (await must(arpanet(['token', '--endpoint', first.url]))).trim();
    assert.ok(token.length >= 20);
    await endProcess(first.child);
    const second = await scheduler('kept', []);
    assert.equal((await must(arpanet(['token'], { ARPANET_ENDPOINT: second.url }))).trim(), token);
    assert.equal((await must(arpanet(['token'], { DOCKER_HOST: second.url.replace('http:', 'tcp:') }))).trim(), token);
  });

  it('refuses an agent without the token, or with a wrong one, and an agent that has none says where to get it', async () => {
    const { url } = await scheduler('guarded', [], { ARPANET_JOIN_TOKEN: 'right' });
    const knock = (authorization?: string) =>
      new Promise<number>((resolve, reject) => {
        const headers = {
          Connection: 'Upgrade',
          Upgrade: 'arpanet',
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        };
        const sent = request(`${url}/arpanet/v1/agent`, { headers }, (answer) => resolve(answer.resume().statusCode ?? 0));
        sent.on('upgrade', (answer, socket) => {
          socket.destroy();
          resolve(answer.statusCode ?? 0);
        });
        sent.on('error', reject).end();
      });
    assert.equal(await knock(), 401);
    assert.equal(await knock('Bearer wrong'), 401);
    assert.equal(await knock('Bearer right'), 101);
    const agent = await arpanet(['agent', '--join', url, '--name', 'h', '--address', '127.0.0.1', '--data', join(dir, 'agent')]);
    assert.equal(agent.code, 2);
    assert.match(agent.stderr, /join token.*ARPANET_JOIN_TOKEN/);
  });

  it('takes flags over environment over file over defaults, and refuses an unknown key with the nearest known one', async () => {
    const file = join(dir, 'settings.yml');
    writeFileSync(file, 'name: from-file\nstrategy: binpack\n');
    const leaderName = async (url: string) => {
      const { code, stdout } = await arpanet(['status', '--json', '--endpoint', url]);
      assert.equal(code, 3, 'without a host something is off');
      return JSON.parse(stdout) as { leader: { name: string }; strategy: string };
    };
    const byFile = await scheduler('a', ['--config', file]);
    assert.deepEqual(await leaderName(byFile.url).then((s) => [s.leader.name, s.strategy]), ['from-file', 'binpack']);
    const byEnv = await scheduler('b', ['--config', file], { ARPANET_NAME: 'from-env' });
    assert.equal((await leaderName(byEnv.url)).leader.name, 'from-env');
    const byFlag = await scheduler('c', ['--config', file, '--name', 'from-flag'], { ARPANET_NAME: 'from-env' });
    assert.equal((await leaderName(byFlag.url)).leader.name, 'from-flag');
    writeFileSync(file, 'strategi: spread\n');
    const wrong = await arpanet(['scheduler', '--listen', 'tcp://127.0.0.1:1', '--store', `embedded:${join(dir, 'd')}`, '--config', file]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /unknown key "strategi".*did you mean "strategy"/);
  });

  it('says what is wrong and what to do: bad values, no scheduler there, an unknown command', async () => {
    const bad = await arpanet(['scheduler', '--listen', 'nowhere', '--store', 'etcd://x']);
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /--listen.*tcp:\/\/ADDR:PORT/);
    assert.match(bad.stderr, /--store.*consul:\/\/HOST:PORT or embedded:DIR/);
    const nobody = await arpanet(['hosts', '--endpoint', `tcp://127.0.0.1:${await freePort()}`]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /no scheduler answers.*arpanet up/);
    const slip = await arpanet(['stauts']);
    assert.equal(slip.code, 2);
    assert.match(slip.stderr, /status/);
    const short = await arpanet(['hosts', 'drain']);
    assert.deepEqual(
      [short.code, /missing required argument 'host'\n\("arpanet hosts drain --help" has examples\)/.test(short.stderr)],
      [2, true],
    );
  });

  it('top is live on a terminal and leaves it as it was; over a pipe it is plain text', async () => {
    const { url } = await scheduler('watched', []);
    const escape = String.fromCharCode(27);
    const live = `'${process.execPath}' '${main}' top --interval 0.2 --endpoint ${url}`;
    const terminal = spawnMortal('script', ['-qec', live, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    running.push(terminal);
    let stdout = '';
    terminal.stdout?.on('data', (text) => (stdout += text));
    const ended = once(terminal, 'close');
    await until('it was drawn several times', () => stdout.split(`${escape}[H`).length > 3);
    terminal.stdin?.write('\x03');
    await ended;
    assert.ok(stdout.startsWith(`${escape}[?1049h`), JSON.stringify(stdout.slice(0, 80)));
    assert.ok(stdout.trimEnd().endsWith(`${escape}[?25h${escape}[?1049l`), JSON.stringify(stdout.slice(-80)));
    const plain = await must(arpanet(['top', '--once', '--endpoint', url]));
    assert.match(plain, /UTC {3}hosts 0 alive; 0 containers run\n\nHOST +STATE/);
    assert.ok(!plain.includes(escape));
  });

  it('reports to systemd that it is ready, that its event loop runs and that it ends; a reload applies its file', async (t) => {
    if ((await runProgram('systemd-notify', ['--version'])).code !== 0)
      return t.skip('no systemd-notify here: it is in the package systemd');
    const [socket, notes, file] = [join(dir, 'notify'), join(dir, 'notes'), join(dir, 'reload.yml')];
    running.push(spawnMortal('python3', ['-c', RECEIVER, socket, notes], { stdio: 'ignore' }));
    await until('somebody listens', () => existsSync(socket));
    writeFileSync(file, 'strategy: spread\nname: before\n');
    const { url, child, said } = await scheduler('reported', ['--config', file], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '900000' });
    const notified = (line: string) => until(line, () => readFileSync(notes, 'utf8').split('\n').includes(line));
    await notified('READY=1');
    await notified('WATCHDOG=1');
    const strategy = async () =>
      (JSON.parse((await arpanet(['status', '--json', '--endpoint', url])).stdout) as { strategy: string }).strategy;
    assert.equal(await strategy(), 'spread');
    writeFileSync(file, 'strategy: binpack\nname: after\n');
    child.kill('SIGHUP');
    await notified('RELOADING=1');
    await until('the strategy is applied', async () => (await strategy()) === 'binpack');
    await until('it says what wants a restart', () => /"wantRestart":\["name"\]/.test(said()));
    writeFileSync(file, 'strategi: spread\n');
    child.kill('SIGHUP');
    await until('wrong settings are refused', () => /unknown key.*settings not applied/.test(said()));
    assert.equal(await strategy(), 'binpack');
    await endProcess(child);
    await notified('STOPPING=1');
  });

  it('writes the audit log to standard output, and where it cannot be written `arpanet status` ends with 3 and says why', async () => {
    const toOutput = await scheduler('audit', ['--audit-log', '-']);
    await fetch(`${toOutput.url}/volumes/nosuch`, { method: 'DELETE' });
    await until('the call has its line', () => /^\{"time":.*"route":"\/volumes\/\{name\}".*"result":"failed"/m.test(toOutput.said()));
    const toFolder = await scheduler('audit-folder', ['--audit-log', dir]);
    const status = await until('status says so', async () => {
      const found = await arpanet(['status', '--endpoint', toFolder.url.replace('http:', 'tcp:')]);
      return found.stdout.includes('audit log') ? found : undefined;
    });
    assert.match(status.stdout, /the audit log .* cannot be written: EISDIR/);
    assert.equal(status.code, 3);
  });

  it('warns loudly when it listens without TLS on more than loopback, in its log and in the status', async () => {
    const port = await freePort();
    const log = join(dir, 'loud.log');
    writeFileSync(log, '');
    const { dev, ino } = statSync(log);
    running.push(
      start(
        [
          'scheduler',
          '--listen',
          `tcp://0.0.0.0:${port}`,
          '--insecure',
          '--advertise',
          `http://127.0.0.1:${port}`,
          '--dns-listen',
          'none',
          '--store',
          `embedded:${join(dir, 'loud')}`,
        ],
        { ...env, JOURNAL_STREAM: `${dev}:${ino}` },
        log,
      ),
    );
    await until('the warning, with the priority by which the journal finds it', () =>
      /^<4>\{.*WITHOUT TLS/m.test(readFileSync(log, 'utf8')),
    );
    await until('other lines have theirs', () => /^<6>\{"level":30/m.test(readFileSync(log, 'utf8')));
    await until('the note', async () =>
      (await arpanet(['status', '--endpoint', `tcp://127.0.0.1:${port}`])).stdout.includes(`INSECURE: scheduler`),
    );
  });
});
