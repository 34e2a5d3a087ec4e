/**
 * npm run test:package: `npm start -- --hosts 3` in a clone on a Debian machine with nothing but Node, and each line that it prints to type next. It shares this machine's network, from which it
 * fetches packages of npm and Debian. Needs root.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { endProcess, must, runProgram, until } from '../support/cluster/cluster.ts';
import { freePort } from '../support/cluster/free-ports.ts';
import { spawnMortal } from '../support/cluster/mortal.ts';
import { repository } from '../support/cluster/paths.ts';
import { promisedMs } from '../support/promised.ts';
import { CLEAN, debianRoot, mountedRoot } from './bare-machine.ts';

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const CLONE = '/root/arpanet';

/** What is committed, Node with its npm, and the certificates that this machine trusts. */
function fill(root: string): void {
  mkdirSync(join(root, CLONE), { recursive: true });
  execFileSync('sh', ['-c', `git archive HEAD | tar -x -C "$0"`, join(root, CLONE)], { cwd: repository });
  cpSync(process.execPath, join(root, 'usr/bin/node'));
  const npm = join(execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim(), 'npm');
  cpSync(npm, join(root, 'usr/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) execFileSync('ln', ['-s', `../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/bin', name)]);
  cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  if (!existsSync(CERTIFICATES)) return;
  mkdirSync(dirname(join(root, CERTIFICATES)), { recursive: true });
  cpSync(CERTIFICATES, join(root, CERTIFICATES), { dereference: true });
}

describe('npm start on a machine with nothing but Node', () => {
  it('is up within a minute, says what it does meanwhile, and prints lines that work there', { timeout: 900_000 }, async (test) => {
    using root = await mountedRoot(debianRoot('ca-certificates'), fill);
    const env = { ...CLEAN, ...(existsSync(CERTIFICATES) && { NODE_EXTRA_CA_CERTS: CERTIFICATES }) };
    const within = (command: string) => root.within(`cd ${CLONE}; ${command}`);
    const typed = (command: string) => runProgram('nsenter', within(`exec 2>&1; ${command}`), { env });
    for (const program of ['docker', 'ip', 'iptables', 'python3', 'curl', 'dig'])
      assert.notEqual((await typed(`command -v ${program}`)).code, 0, `it has no ${program}`);
    const before = (await must(typed('dpkg-query -W -f "\\${Package}\\n"'))).split('\n');
    const beganMs = Date.now();
    const listen = `tcp://127.0.0.1:${await freePort()}`;
    const up = spawnMortal(
      'nsenter',
      within(`exec node scripts/start.mjs --hosts 3 --listen ${listen} --dns-listen none`),
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
      'TERM',
    );
    let said = '';
    for (const stream of [up.stdout, up.stderr]) stream?.on('data', (data: Buffer) => (said += data.toString()));
    try {
      await until('the cluster is up', () => said.includes('The cluster is up: 3 hosts') || up.exitCode !== null, promisedMs(120_000));
      const tookMs = Date.now() - beganMs;
      assert.ok(said.includes('The cluster is up: 3 hosts'), said);
      const fetched = (await must(typed('dpkg-query -W -f "\\${Package}\\n"'))).split('\n').filter((name) => !before.includes(name));
      const npm = await must(typed('du -sm node_modules | cut -f1; ls node_modules | wc -l'));
      test.diagnostic(
        `up after ${Math.round(tookMs / 1000)} s; by apt: ${fetched.join(' ')}; of npm (MB, folders): ${npm.trim().replace('\n', ', ')}`,
      );
      assert.ok(tookMs < promisedMs(60_000), `it took ${Math.round(tookMs / 1000)} s\n${said}`);
      for (const words of [
        /installing npm packages/,
        /installing by apt: docker\.io/,
        /building/,
        /starting 3 Docker Engines/,
        /loading the images/,
        /starting 3 agents/,
      ])
        assert.match(said, words);
      const next = said.split('\n').filter((line) => line.startsWith('  '));
      const endpoint = next.find((line) => line.includes('export')) ?? assert.fail(said);
      const lines = next.filter((line) => !line.includes('export'));
      assert.ok(lines.length >= 4, said);
      for (const line of lines) {
        const goes = async () => {
          const { code, stdout } = await typed(`${endpoint.trim()}; ${line.trim()}`);
          assert.equal(code, 0, `${line}\n${stdout}`);
          return true;
        };
        // what only looks is typed again by somebody who was faster than a web server that starts
        await (line.includes('docker exec') ? until(line, goes) : goes());
      }
    } finally {
      await endProcess(up);
    }
    assert.equal((await typed('ip netns list | grep arl; ls /tmp | grep arpanet')).stdout.trim(), '', 'nothing of it is left');
  });
});
