/** The real docker CLI through the endpoint to a real Engine. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { type Endpoint, startEndpoint } from '../../../src/docker-api/index.ts';
import { readTls } from '../../../src/security/index.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { type Lab, quietLog, startLab } from '../../support/cluster/lab.ts';
import { ENDPOINT_LIMITS } from '../../support/fakes/small-engine.ts';
import { plainCluster } from '../../support/cluster/plain-cluster.ts';

interface Ran {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

describe('the docker CLI', () => {
  const closing = new AbortController();
  let lab: Lab;
  let endpoint: Endpoint;
  let dir: string;

  before(async () => {
    lab = await startLab({ count: 1, mixed: false });
    dir = await mkdtemp(join(tmpdir(), 'arpanet-cli-'));
    makeCertificates(join(dir, 'own'));
    makeCertificates(join(dir, 'foreign'));
    const at = (name: string): string => join(dir, 'own', name);
    const deps = {
      listen: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port: 0, isTls: true },
        { path: join(dir, 'docker.sock'), mode: 0o640, group: '0' },
      ],
      tls: { own: readTls({ ca: at('ca.pem'), cert: at('server-cert.pem'), key: at('server-key.pem') }, Date.now()) },
      name: 's1',
      token: () => undefined,
      trouble: () => undefined,
      log: quietLog,
      ...ENDPOINT_LIMITS,
    };
    endpoint = await startEndpoint({ ...deps, operator: (_req, res) => res.end(), acceptAgent: (_req, socket) => socket.destroy() });
    endpoint.lead(await plainCluster(lab.hosts[0]?.socket ?? '', 'h1', closing.signal));
  });
  after(async () => {
    closing.abort();
    await endpoint[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  function docker(
    args: string,
    options: { readonly stdin?: Buffer | string; readonly killAfter?: RegExp; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Ran> {
    const plain = { DOCKER_HOST: `tcp://127.0.0.1:${endpoint.addresses[0]?.port}` };
    const env = { ...process.env, DOCKER_BUILDKIT: '0', ...(options.env ?? plain) };
    const child = spawn('docker', args.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [], { env });
    const timer = setTimeout(() => child.kill('SIGKILL'), 180_000);
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      if (options.killAfter?.test(Buffer.concat(out).toString())) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.stdin.on('error', () => undefined).end(options.stdin ?? '');
    return new Promise((resolve) =>
      child.on('close', (code) => {
        clearTimeout(timer);
        resolve({ code, out: Buffer.concat(out), err });
      }),
    );
  }
  const text = async (args: string, stdin?: string): Promise<string> => {
    const { code, out, err } = await docker(args, stdin === undefined ? {} : { stdin });
    assert.equal(code, 0, `docker ${args}: ${err}`);
    return out.toString().trim();
  };
  const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
  const blob = randomBytes(32 * 1024 * 1024);

  it('runs: output, exit code, stdin to its end, and nothing left with --rm', async () => {
    assert.equal(await text('run --rm busybox echo hello'), 'hello');
    assert.equal((await docker("run --rm busybox sh -c 'exit 9'")).code, 9);
    assert.equal(await text("run --rm -i busybox sh -c 'cat; sleep 1; echo after'", 'typed '), 'typed after');
    assert.equal(await text('ps -aq'), '');
  });

  it('takes the context that `arpanet context` makes, and makes again', async () => {
    const said: string[] = [];
    const port = endpoint.addresses[0]?.port;
    const env = { ...process.env, DOCKER_CONFIG: join(dir, 'config'), DOCKER_HOST: undefined };
    const say = (line: string) => void said.push(line);
    const terminal = { env, out: say, paced: () => Promise.resolve(true), say, isTerminal: false, columns: undefined };
    for (const at of ['tcp://127.0.0.1:1', `tcp://127.0.0.1:${port}`])
      await arpanetProgram(terminal).parseAsync(['node', 'arpanet', 'context', 'lab', '--endpoint', at, '--use']);
    assert.match(said.join('\n'), /context lab made: .*\ncontext lab updated: tcp:\/\/127\.0\.0\.1:\d+; next: docker ps/);
    const { stdout } = await promisify(execFile)('docker', ['version', '--format', '{{.Server.Version}}'], { env });
    assert.equal(stdout.trim(), await text('version --format {{.Server.Version}}'));
    await assert.rejects(arpanetProgram(terminal).parseAsync(['node', 'arpanet', 'context', '../lab']), {
      kind: 'invalid',
      message: /docker context create .*: context name "\.\.\/lab" is invalid/,
    });
    const nowhere = { ...terminal, env: { PATH: dir } };
    await assert.rejects(arpanetProgram(nowhere).parseAsync(['node', 'arpanet', 'context']), { message: /no docker command/ });
  });

  it('carries 32 MiB through run and exec unharmed', async () => {
    await text('run -d --name big busybox sleep 1000');
    for (const args of ['run --rm -i busybox cat', 'exec -i big cat']) {
      const { code, out } = await docker(args, { stdin: blob });
      assert.deepEqual([code, out.length, sha(out)], [0, blob.length, sha(blob)], args);
    }
    await text('rm -f big');
  });

  it('--tlsverify: runs, streams both ways to their ends, copies, builds; by context too', async () => {
    const url = `tcp://127.0.0.1:${endpoint.addresses[1]?.port}`;
    const own = join(dir, 'own');
    const env = { DOCKER_HOST: url, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: own };
    const said = async (args: string, options: Parameters<typeof docker>[1] = {}): Promise<string> => {
      const { code, out, err } = await docker(args, { env, ...options });
      assert.equal(code, 0, `docker ${args}: ${err}`);
      return out.toString().trim();
    };
    assert.equal(await said("run --rm -i busybox sh -c 'cat; sleep 1; echo after'", { stdin: 'typed ' }), 'typed after');
    await said('run -d --name big busybox sleep 1000');
    const { code, out } = await docker('exec -i big cat', { env, stdin: blob });
    assert.deepEqual([code, out.length, sha(out)], [0, blob.length, sha(blob)]);
    const [there, back] = [join(dir, 'tls-blob'), join(dir, 'tls-back')];
    await writeFile(there, blob);
    await said(`cp ${there} big:/root/blob`);
    await said(`cp big:/root/blob ${back}`);
    assert.equal(sha(await readFile(back)), sha(blob));
    await said('build -q -t tls-built -', { stdin: 'FROM busybox\nRUN true\n' });
    const config = { DOCKER_CONFIG: join(dir, 'config') };
    const files = `ca=${join(own, 'ca.pem')},cert=${join(own, 'cert.pem')},key=${join(own, 'key.pem')}`;
    await said(`context create cluster --docker host=${url},${files}`, { env: config });
    assert.equal(await said('--context cluster ps --format {{.Names}}', { env: config }), 'big');
    await said('rm -f big');
    await said('rmi tls-built');
  });

  it('nobody is heard over TLS without a certificate of the CA', async () => {
    const DOCKER_HOST = `tcp://127.0.0.1:${endpoint.addresses[1]?.port}`;
    const [own, foreign] = [join(dir, 'own'), join(dir, 'foreign')];
    const keyPair = `--tlscert ${foreign}/cert.pem --tlskey ${foreign}/key.pem`;
    const { code, out, err } = await docker(`--tlsverify --tlscacert ${own}/ca.pem ${keyPair} ps`, { env: { DOCKER_HOST } });
    assert.deepEqual([code, out.toString()], [1, '']);
    assert.match(err, /the client certificate of "one" is not of the CA of this scheduler's --tls-ca/);
    const ca = await readFile(join(own, 'ca.pem'));
    const request = https.get(`https://127.0.0.1:${endpoint.addresses[1]?.port}/_ping`, { ca, agent: false });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, 401);
    answer.resume();
    assert.equal((await docker('ps', { env: { DOCKER_HOST } })).code, 1);
    const strange = { DOCKER_HOST, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: foreign };
    assert.match((await docker('ps', { env: strange })).err, /x509|certificate/);
  });

  it('a Unix socket has the mode that was asked for, and serves the docker CLI', async () => {
    const path = join(dir, 'docker.sock');
    assert.equal(statSync(path).mode & 0o777, 0o640);
    const { code, out } = await docker('run --rm -i busybox cat', { env: { DOCKER_HOST: `unix://${path}` }, stdin: 'typed' });
    assert.deepEqual([code, out.toString()], [0, 'typed']);
  });

  it('copies in and out', async () => {
    await text('create --name files busybox');
    const [there, back] = [join(dir, 'blob'), join(dir, 'back')];
    await writeFile(there, blob);
    await text(`cp ${there} files:/root/blob`);
    await text(`cp files:/root/blob ${back}`);
    assert.equal(sha(await readFile(back)), sha(blob));
    assert.match((await docker(`cp files:/nosuch ${dir}`)).err, /Could not find the file \/nosuch/);
    await text('rm files');
  });

  it('follows logs while they are written', async () => {
    await text("run -d --name talks busybox sh -c 'echo one; sleep 1; echo two; sleep 1000'");
    const { out } = await docker('logs -f talks', { killAfter: /^two$/m });
    assert.equal(out.toString(), 'one\ntwo\n');
    await text('rm -f talks');
  });

  it('sees its own writes in the next list', async () => {
    const states: string[] = [];
    const note = async (): Promise<number> => states.push(await text('ps -a --format {{.Names}}:{{.State}}'));
    await text('create --name life busybox sleep 1000');
    await note();
    for (const act of ['start life', 'pause life', 'unpause life', 'rename life death', 'kill death', 'rm death']) {
      await text(act);
      await note();
    }
    const expected = ['life:created', 'life:running', 'life:paused', 'life:running', 'death:running', 'death:exited', ''];
    assert.deepEqual(states, expected);
  });

  it('waits, and has the exit code', async () => {
    await text("run -d --name ends busybox sh -c 'sleep 1; exit 3'");
    assert.equal(await text('wait ends'), '3');
    assert.equal(await text('ps -a --format {{.State}}'), 'exited');
    await text('rm ends');
  });

  it('tags, saves, loads and removes images', async () => {
    await text('tag busybox mine:1');
    const { out } = await docker('save mine:1');
    await text('rmi mine:1');
    assert.doesNotMatch(await text('images'), /mine/);
    const loaded = await docker('load', { stdin: out });
    assert.match(loaded.out.toString(), /Loaded image: mine:1/);
    assert.match(await text('images'), /mine/);
    await text('rmi mine:1');
    assert.match((await docker('rmi mine:1')).err, /No such image: mine:1/);
  });

  it('builds as of old', async () => {
    const built = await docker('build -q -t built:1 -', { stdin: 'FROM busybox\nRUN echo inside > /file\n' });
    assert.match(built.out.toString(), /^sha256:/);
    assert.equal(await text('run --rm built:1 cat /file'), 'inside');
    await text('rmi built:1');
  });

  it('hears of events, past ones and those to come', async () => {
    await text('run --rm --name past busybox true');
    const events = docker("events --since 300s --format '{{.Action}} {{.Actor.Attributes.name}}' --filter type=container", {
      killAfter: /^destroy future$/m,
    });
    await text('run --rm --name future busybox true');
    const heard = (await events).out.toString().trim().split('\n');
    for (const name of ['past', 'future']) {
      const actions = heard.filter((line) => line.endsWith(` ${name}`)).map((line) => line.split(' ')[0]);
      assert.deepEqual(actions, ['create', 'attach', 'start', 'die', 'destroy'], heard.join(', '));
    }
  });
});
