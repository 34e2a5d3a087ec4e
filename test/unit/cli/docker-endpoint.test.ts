import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { askedEndpoint, type EndpointFlags, type Environment } from '../../../src/cli/docker-endpoint.ts';

describe('the endpoint that a command asks', () => {
  let home: string;
  const docker = () => join(home, '.docker');
  const put = (path: string, text: string): void => {
    mkdirSync(join(docker(), path, '..'), { recursive: true });
    writeFileSync(join(docker(), path), text);
  };
  const context = (name: string, endpoint: object, files: readonly string[] = []): void => {
    const id = createHash('sha256').update(name).digest('hex');
    put(`contexts/meta/${id}/meta.json`, JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } }));
    for (const file of files) put(`contexts/tls/${id}/docker/${file}.pem`, 'x');
  };
  const ask = (flags: EndpointFlags = {}, env: Environment = {}) => askedEndpoint(flags, { HOME: home, ...env });
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'arpanet-docker-'));
    context('prod', { Host: 'tcp://prod.example:2376', SkipTLSVerify: false }, ['ca', 'cert', 'key']);
    context('plain', { Host: 'tcp://10.0.0.1:2375' });
    context('loose', { Host: 'tcp://10.0.0.2', SkipTLSVerify: true });
    context('socket', { Host: 'unix:///run/arpanet.sock' });
    context('shell', { Host: 'ssh://ada@example' });
    put('config.json', '{"currentContext": "plain"}');
    for (const file of ['ca', 'cert', 'key']) put(`bundle/${file}.pem`, 'x');
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  it('is the first of: flags, ARPANET_ENDPOINT, DOCKER_HOST, DOCKER_CONTEXT, the context in use, loopback', () => {
    const all = { ARPANET_ENDPOINT: 'tcp://a:1', DOCKER_HOST: 'tcp://d:1', DOCKER_CONTEXT: 'socket' };
    const { ARPANET_ENDPOINT: _own, ...ofDocker } = all;
    assert.equal(ask({ endpoint: 'e:1' }, all).url, 'tcp://e:1');
    assert.equal(ask({ context: 'plain' }, all).url, 'tcp://10.0.0.1:2375');
    assert.equal(ask({}, all).url, 'tcp://a:1');
    assert.equal(ask({}, ofDocker).url, 'tcp://d:1');
    assert.equal(ask({}, { DOCKER_CONTEXT: 'socket' }).url, 'unix:///run/arpanet.sock');
    assert.equal(ask().url, 'tcp://10.0.0.1:2375');
    assert.equal(ask({}, { DOCKER_CONTEXT: 'default' }).url, 'tcp://127.0.0.1:2375');
    assert.equal(ask({ context: 'default' }, ofDocker).url, 'tcp://d:1');
    assert.equal(ask({}, { DOCKER_CONFIG: join(home, 'nowhere') }).url, 'tcp://127.0.0.1:2375');
    assert.throws(() => ask({ endpoint: 'e:1', context: 'plain' }), { kind: 'invalid', message: /^conflicting options/ });
  });

  it('has TLS as DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH say, or as its context does', () => {
    const path = (folder: string) => {
      const at = (name: string) => join(docker(), folder, `${name}.pem`);
      return { ca: at('ca'), cert: at('cert'), key: at('key') };
    };
    const bundle = join(docker(), 'bundle');
    const verify = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: bundle };
    assert.deepEqual(ask({}, { ...verify, DOCKER_HOST: 'tcp://d:2376' }), {
      url: 'tcp://d:2376',
      tls: { ...path('bundle'), isVerified: true },
    });
    assert.deepEqual(ask({ endpoint: 'tls://d' }, { DOCKER_CERT_PATH: bundle }).url, 'tcp://d:2376');
    const { ca: _ca, ...own } = path('bundle');
    assert.deepEqual(ask({}, { DOCKER_TLS: '1', DOCKER_CERT_PATH: bundle, DOCKER_HOST: 'tcp://d' }), {
      url: 'tcp://d:2376',
      tls: { ...own, isVerified: false },
    });
    for (const endpoint of ['http://127.0.0.1:2375', 'unix:///run/x.sock']) assert.equal(ask({ endpoint }, verify).tls, undefined);
    assert.equal(ask({}, { DOCKER_CERT_PATH: bundle, DOCKER_HOST: 'tcp://d:1' }).tls, undefined);
    assert.throws(() => ask({}, { DOCKER_TLS_VERIFY: '1', DOCKER_HOST: 'tcp://d:1' }), {
      message: /there is no .*\.docker\/ca\.pem \(DOCKER_CERT_PATH\)/,
    });
    const id = createHash('sha256').update('prod').digest('hex');
    assert.deepEqual(ask({ context: 'prod' }), {
      url: 'tcp://prod.example:2376',
      tls: { ...path(`contexts/tls/${id}/docker`), isVerified: true },
    });
    assert.deepEqual(ask({ context: 'loose' }), { url: 'tcp://10.0.0.2:2376', tls: { isVerified: false } });
    assert.equal(ask({ context: 'plain' }, verify).tls, undefined, 'variables are of DOCKER_HOST');
  });

  it('is refused where there is none of that name, with the nearest, and where it is none that can be asked', () => {
    assert.throws(() => ask({ context: 'prd' }), { kind: 'invalid', message: 'context "prd": context not found: did you mean prod?' });
    assert.throws(() => ask({ context: 'shell' }), { kind: 'invalid', message: /cannot reach a cluster at "ssh:\/\/ada@example"/ });
    assert.throws(() => ask({ endpoint: 'nonsense' }), { kind: 'invalid', message: /cannot reach a cluster at "nonsense"/ });
  });
});
