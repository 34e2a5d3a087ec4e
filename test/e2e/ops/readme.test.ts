/** The README's session and its other commands, run as they stand there. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { endProcess, main, must, runProgram, until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { spawnMortal } from '../../support/cluster/mortal.ts';
import { repository, tools } from '../../support/cluster/paths.ts';

interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/** `$ command` lines of the README's console blocks, each with the lines printed below it. */
const session: Step[] = [];
for (const [, block = ''] of readFileSync(join(repository, 'README.md'), 'utf8').matchAll(/```console\n([\s\S]*?)```/g)) {
  for (const part of block.split(/^\$ /m).slice(1)) {
    const [command = '', ...output] = part.trimEnd().split('\n');
    session.push({ command, output });
  }
}

/** What is different every time made the same: ids, figures, widths. */
const shape = (line: string) =>
  line
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, 'ID')
    .replaceAll(/\bh[123]\b/g, 'HOST')
    .replaceAll(/[\d.]+/g, 'N')
    .replaceAll(/Less than a/g, 'N')
    .replaceAll(/seconds?/g, 'seconds')
    .replaceAll(/\s+/g, ' ')
    .trim();

describe('the README', () => {
  let up: ChildProcess;
  let port: number;
  let dnsPort: number;
  let scratch: string;
  let said = '';
  const upDir = join(tmpdir(), 'arpanet-up');
  /** What a cluster keeps while it is up; another may have been killed here, or run. */
  const upDirs = () => (existsSync(upDir) ? readdirSync(upDir) : []);
  let dirsBefore: readonly string[] = [];
  before(async () => {
    dirsBefore = upDirs();
    [port, dnsPort] = [await freePort(), await freePort()];
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-readme-'));
    writeFileSync(join(scratch, 'config.json'), JSON.stringify({ cliPluginsExtraDirs: [dirname(tools.composeV2())] }));
    const args = ['scripts/start.mjs', '--hosts', '3', '--listen', `tcp://127.0.0.1:${port}`, '--dns-listen', `127.0.0.1:${dnsPort}`];
    up = spawnMortal(process.execPath, args, { cwd: repository, stdio: ['ignore', 'ignore', 'pipe'] }, 'TERM');
    up.stderr?.on('data', (data: Buffer) => (said += data.toString()));
    await until('npm start says that the cluster is up', () => said.includes('The cluster is up: 3 hosts'), 120_000);
  });
  after(async () => {
    await endProcess(up);
    rmSync(scratch, { recursive: true, force: true });
  });

  it('has a session that goes as it says', async () => {
    assert.ok(session.length >= 8);
    const env = { ...process.env, DOCKER_CONFIG: scratch, DOCKER_HOST: `tcp://127.0.0.1:${port}` };
    for (const step of session) {
      if (step.command.startsWith('export ')) continue;
      const command = step.command.replace('-p 8600', `-p ${dnsPort}`).replace('npx arpanet', `'${process.execPath}' '${main}'`);
      const goes = async () => {
        const { code, stdout, stderr } = await runProgram('sh', ['-c', command], { cwd: repository, env });
        assert.equal(code, 0, `${command}\n${stdout}\n${stderr}`);
        const shapes = stdout.split('\n').map(shape);
        for (const line of step.output)
          assert.ok(shapes.includes(shape(line)), `${step.command} did not print a line like\n  ${line}\nbut\n${stdout}`);
        return true;
      };
      // What only looks is typed again by somebody who was faster than a web server that starts.
      await (/ (up|down)\b/.test(command) ? goes() : until(command, goes));
    }
  });

  it('says what to type next, and each of it works', async () => {
    const env = { ...process.env, DOCKER_CONFIG: scratch, DOCKER_HOST: `tcp://127.0.0.1:${port}` };
    const next = said.split('\n').filter((line) => line.startsWith('  ') && !line.includes('export'));
    assert.ok(next.length >= 4, said);
    for (const command of next) {
      const { code, stdout, stderr } = await runProgram('sh', ['-c', command.replaceAll('\\\\t', '\\t')], { cwd: repository, env });
      assert.equal(code, 0, `${command}\n${stdout}\n${stderr}`);
    }
  });

  it('answers published ports at the endpoint, as soon as the client is told, for all replicas, and on the loopback too', async () => {
    const env = { ...process.env, DOCKER_CONFIG: scratch, DOCKER_HOST: `tcp://127.0.0.1:${port}` };
    const docker = async (...args: string[]) => (await must(runProgram('docker', args, { cwd: repository, env }))).trim();
    const get = async (at: number | string) => (await fetch(`http://127.0.0.1:${at}/`)).text();
    const site = ['busybox', 'sh', '-c', 'mkdir /www; hostname > /www/index.html; exec httpd -f -h /www'];
    const fixed = await freePort();
    for (const host of ['h1', 'h2'])
      await docker('run', '-d', '-p', `${fixed}:80`, '-l', 'arpanet.service=site', '-e', `constraint:node==${host}`, '-h', host, ...site);
    const said = new Set<string>();
    await until('both answer', async () => said.add((await get(fixed)).trim()).size === 2);
    assert.deepEqual([...said].toSorted(), ['h1', 'h2']);
    for (const published of ['80', '127.0.0.1::80']) {
      await docker('run', '-d', '--name', 'one', '-p', published, '--health-cmd', 'wget -qO- http://localhost/', '-h', 'one', ...site);
      const [, chosen = ''] = /:(\d+)$/m.exec(await docker('port', 'one', '80')) ?? [];
      assert.ok(Number(chosen) >= 20_000 && Number(chosen) < 32_768, `${chosen} may be a connection of the machine itself`);
      const answers = () => get(chosen).catch((error: Error) => (error.cause as NodeJS.ErrnoException).code);
      assert.notEqual(await answers(), 'ECONNREFUSED', 'it is listened on once docker run is back');
      await until('it is up', async () => (await answers()) === 'one\n');
      await docker('rm', '-f', 'one');
      assert.equal(await answers(), 'ECONNREFUSED', 'nothing is listened on once it is removed');
    }
    await docker('rm', '-f', ...(await docker('ps', '-q', '--filter', 'label=arpanet.service=site')).split('\n'));
  });

  it('has one container for each published port: of ranges, without a number, and fixed ones, in the words of an Engine', async () => {
    const env = { ...process.env, DOCKER_CONFIG: scratch, DOCKER_HOST: `tcp://127.0.0.1:${port}` };
    const docker = (...args: string[]) => runProgram('docker', args, { cwd: repository, env });
    const run = (name: string, ...flags: string[]) =>
      docker('run', '-d', '--name', name, '--stop-timeout', '0', ...flags, 'busybox', 'sleep', '600');
    const portOf = async (name: string, of: string) => /:(\d+)$/m.exec(await must(docker('port', name, of)))?.[1];
    const first = await freePort();
    const range = `${first}-${first + 2}:80`;
    for (const name of ['r1', 'r2', 'r3']) await must(run(name, '-p', range));
    assert.deepEqual(
      (await Promise.all(['r1', 'r2', 'r3'].map(async (name) => Number(await portOf(name, '80'))))).toSorted((a, b) => a - b),
      [first, first + 1, first + 2],
    );
    const failed = 'driver failed programming external connectivity on endpoint';
    assert.match((await run('r4', '-p', range)).stderr, new RegExp(`${failed} r4 \\([0-9a-f]{64}\\): all ports are allocated`));
    assert.equal(
      (await must(docker('inspect', '-f', '{{json .HostConfig.PortBindings}}', 'r1'))).trim(),
      `{"80/tcp":[{"HostIp":"","HostPort":"${first}-${first + 2}"}]}`,
    );
    for (const name of ['n1', 'n2', 'n3']) await must(run(name, '-P', '--expose', '81', '-p', '80', '-p', '82/udp'));
    const chosen = await Promise.all(['n1', 'n2', 'n3'].flatMap((name) => [portOf(name, '80'), portOf(name, '81')]));
    assert.equal(new Set(chosen).size, 6, chosen.join(' '));
    const udp = await Promise.all(['n1', 'n2', 'n3'].map((name) => portOf(name, '82/udp')));
    assert.deepEqual(
      [new Set(udp).size, udp.every((number) => Number(number) >= 20_000 && Number(number) <= 32_767)],
      [3, true],
      udp.join(' '),
    );
    await must(docker('network', 'create', 'aaa'));
    await must(docker('network', 'connect', 'aaa', 'n1'));
    await must(docker('restart', '-t', '0', 'n1'));
    assert.deepEqual(
      [await portOf('n1', '80'), await portOf('n1', '81'), await portOf('n1', '82/udp')],
      [...chosen.slice(0, 2), udp[0]],
      'a chosen port stays',
    );
    await must(run('one', '-p', `${first + 3}:80`));
    const refused = `${failed} two \\([0-9a-f]{64}\\): Bind for 0.0.0.0:${first + 3} failed: port is already allocated`;
    assert.match((await run('two', '-p', `${first + 3}:80`)).stderr, new RegExp(refused));
    await must(docker('rm', '-f', 'one'));
    await must(docker('start', 'two'));
    await must(docker('rm', '-f', 'r1', 'r2', 'r3', 'n1', 'n2', 'n3', 'two'));
    await must(docker('network', 'rm', 'aaa'));
  });

  it('ends at a signal and leaves nothing behind', async () => {
    await endProcess(up);
    assert.equal(up.exitCode, 0, said);
    const left = await runProgram('sh', ['-c', `ps -eo args | grep -F "127.0.0.1:${port}" | grep -v grep`]);
    assert.equal(left.stdout, '');
    assert.deepEqual(
      upDirs().filter((name) => !dirsBefore.includes(name)),
      [],
    );
  });

  it('names the flags that the commands have', async () => {
    const text = readFileSync(join(repository, 'README.md'), 'utf8');
    for (const [, command = '', rest = ''] of text.matchAll(/^ {4}arpanet (\w+) (.*)$/gm)) {
      const { stdout } = await runProgram(process.execPath, [main, command, '--help']);
      for (const [flag] of rest.matchAll(/--[a-z-]+/g)) assert.ok(stdout.includes(flag), `arpanet ${command} has no ${flag}`);
    }
  });
});
