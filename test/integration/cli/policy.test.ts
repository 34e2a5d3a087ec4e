/** `arpanet policy` against a scheduler: what is set is kept, and a file is told what would be refused of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

describe('arpanet policy', () => {
  let dir: string;
  let scheduler: SmallScheduler;
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  /** Exit code and what was printed. */
  async function policy(...args: readonly string[]): Promise<readonly [code: number, said: string]> {
    let said = '';
    const out = (text: string): void => void (said += text);
    const terminal = { env: {}, out, paced: async (text: string) => (out(text), true), say: out, isTerminal: false, columns: undefined };
    await arpanetProgram(terminal).parseAsync(['policy', ...args, '--endpoint', scheduler.url], { from: 'user' });
    const code = Number(process.exitCode ?? 0);
    process.exitCode = 0;
    return [code, said];
  }

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'arpanet-policy-'));
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: join(dir, 'store') });
    await scheduler.ready();
  });
  after(async () => {
    await scheduler[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is set from a file, and what get prints can be set again', async () => {
    const [, builtIn] = await policy('get');
    assert.match(builtIn, /^deployer:\n {2}privileged: false\n {2}host_namespaces: none\n/);
    await assert.rejects(policy('set', file('bad.yml', 'deployer: {cap_ad: [ALL]}')), {
      engineStatus: 400,
      message: 'deployer: there is no rule "cap_ad": did you mean cap_add?',
    });
    await assert.rejects(policy('set', join(dir, 'nosuch')), { kind: 'invalid', message: /^cannot read / });
    const [, set] = await policy('set', file('policy.yml', 'deployer: {binds: [/srv/abc], memory: 2g}'));
    assert.match(set, /binds:\n {4}- \/srv\/abc\n {2}registries: any\n {2}memory: 2GiB\n/);
    assert.deepEqual(await policy('set', file('same.yml', set)), [0, set]);
    assert.deepEqual(await policy('get'), [0, set]);
  });

  it('says of a create and of a compose file what would be refused, and ends with 1', async () => {
    await policy('set', file('policy.yml', 'deployer: {binds: [/srv/abc]}'));
    const create = file('create.json', '{"Image": "web", "HostConfig": {"Privileged": true, "Binds": ["/etc:/x"]}}');
    assert.deepEqual(await policy('test', create), [
      1,
      'the create: HostConfig.Privileged is true, and may not be given\n' +
        'the create: HostConfig.Binds has the host\'s path "/etc", and may have paths below /srv/abc\n',
    ]);
    assert.deepEqual(await policy('test', create, '--role', 'operator'), [0, 'nothing of it would be refused\n']);
    assert.deepEqual(await policy('test', create, '--policy', file('new.yml', 'deployer: {privileged: true, binds: any}')), [
      0,
      'nothing of it would be refused\n',
    ]);
    const compose = file(
      'compose.yml',
      'services:\n  web:\n    image: web\n    pid: host\n    volumes: [/srv/abc:/x, data:/y]\n  db: {image: db}\nvolumes:\n  data: {driver_opts: {type: none, o: bind, device: /}}\n',
    );
    const [code, said] = await policy('test', compose, '-p', 'abc');
    assert.match(said, /^abc-web-1: HostConfig\.PidMode is "host", .*\nvolume abc_data: Driver or DriverOpts is .*\n$/);
    assert.equal(code, 1);
    await assert.rejects(policy('test', file('list.yml', '[]')), { kind: 'invalid', message: /neither a compose file nor/ });
    await assert.rejects(policy('test', create, '--role', 'deploier'), { engineStatus: 400, message: /did you mean deployer\?/ });
  });
});
