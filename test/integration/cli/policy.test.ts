/** `arpanet policy` and `arpanet user` against a scheduler: what is set is kept, a file is told what would be refused of it; who is added gets in, and who is removed is out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiClient } from '../../../src/cli/api-client.ts';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { promisedMs } from '../../support/promised.ts';
import { type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

describe('arpanet policy and arpanet user', () => {
  let dir: string;
  let tlsPort: number;
  let scheduler: SmallScheduler;
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  /** Exit code and what was printed. */
  async function arpanet(...args: readonly string[]): Promise<readonly [code: number, said: string]> {
    let said = '';
    const out = (text: string): void => void (said += text);
    const terminal = { env: {}, out, paced: async (text: string) => (out(text), true), say: out, isTerminal: false, columns: undefined };
    await arpanetProgram(terminal).parseAsync([...args, '--endpoint', scheduler.url], { from: 'user' });
    const code = Number(process.exitCode ?? 0);
    process.exitCode = 0;
    return [code, said];
  }
  const policy = (...args: readonly string[]) => arpanet('policy', ...args);
  const user = (...args: readonly string[]) => arpanet('user', ...args);

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'arpanet-policy-'));
    tlsPort = await freePort();
    const more = { alsoListen: [{ host: '127.0.0.1', port: tlsPort, isTls: true }], clusterKey: join(dir, 'cluster.key') };
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: join(dir, 'store') }, more);
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

  it('user: add prints the two lines to type, ls and renew say until when; who is removed is out within a second, streams included', async () => {
    const [host, out] = [`127.0.0.1:${tlsPort}`, join(dir, 'ada')];
    const UNTIL = String.raw`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC`;
    const lines = [
      `export DOCKER_HOST=tcp://${host} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${out}`,
      `docker context import ada ${out}/ada.dockercontext && docker context use ada`,
    ];
    const typed = (said: string, first: RegExp): void => {
      const [what = '', ...rest] = said.trimEnd().split('\n');
      assert.match(what, first);
      assert.deepEqual(rest, lines);
    };
    const add = ['add', 'ada', '--role', 'deployer', '--deployments', 'abc,xyz', '--host', host, '--out', out];
    const says = new RegExp(`^ada is deployer of abc,xyz; its certificate is valid until ${UNTIL}$`);
    typed((await user(...add, '--ttl', '90d'))[1], says);
    assert.deepEqual(readdirSync(out).toSorted(), ['ada.dockercontext', 'ca.pem', 'cert.pem', 'key.pem']);
    for (const leaf of readdirSync(out)) assert.equal(statSync(join(out, leaf)).mode & 0o777, 0o600, leaf);
    assert.match(
      (await user('ls'))[1],
      new RegExp(String.raw`^NAME +ROLE +DEPLOYMENTS +CERTIFICATE UNTIL *\nada +deployer +abc,xyz +${UNTIL}\n$`),
    );
    await assert.rejects(user(...add), { engineStatus: 409, message: /"arpanet user renew ada" gives it another certificate/ });
    await assert.rejects(user('add', 'x', '--role', 'deploier', '--out', out), { message: /no role "deploier": did you mean deployer\?/ });
    // nobody is added without a key, and nothing is made for nobody
    const elsewhere = (at: string, role = 'viewer') => user('add', 'vera', '--role', role, '--host', host, '--out', at);
    const below = join(file('a-file', ''), 'vera');
    await assert.rejects(elsewhere(below), { kind: 'invalid', message: `--out: cannot write to ${below}` });
    await assert.rejects(elsewhere(join(dir, 'vera', 'deep'), 'viever'), { message: /did you mean viewer\?/ });
    assert.equal(existsSync(join(dir, 'vera')), false);
    assert.doesNotMatch((await user('ls'))[1], /vera/);

    // the command reads docker's variables
    const env = { DOCKER_HOST: `tcp://${host}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: out, HOME: dir };
    const first = readFileSync(join(out, 'cert.pem'), 'utf8');
    assert.deepEqual(await apiClient({}, env).json('/containers/json'), []);
    typed((await user('renew', 'ada', '--host', host, '--out', out))[1], says);
    assert.notEqual(readFileSync(join(out, 'cert.pem'), 'utf8'), first);
    const api = apiClient({}, env);
    assert.deepEqual(await api.json('/containers/json'), []);

    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((leaf) => readFileSync(join(out, leaf), 'utf8'));
    const watching = https.get({
      host: '127.0.0.1',
      port: tlsPort,
      path: '/events',
      ca: [ca ?? ''],
      cert: cert ?? '',
      key: key ?? '',
      agent: false,
    });
    const [events] = (await once(watching, 'response')) as [IncomingMessage];
    const cut = new Promise((resolve) => events.once('close', resolve));
    events.on('error', () => undefined).resume();
    const atMs = Date.now();
    assert.deepEqual(await user('rm', 'ada'), [0, 'ada was removed\n']);
    await cut;
    assert.ok(Date.now() - atMs < promisedMs(1_000), `${Date.now() - atMs} ms`);
    await assert.rejects(api.json('/containers/json'), { engineStatus: 401, message: /the user "ada" was removed/ });
    await assert.rejects(user('rm', 'ada'), { engineStatus: 404, message: /no such user: ada/ });
    assert.deepEqual(await user('ls', '--quiet'), [0, '']);
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
