/** The command line over TLS and Unix sockets, with docker's own variables and contexts. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiClient } from '../../../src/cli/api-client.ts';
import type { StoredAuthority } from '../../../src/model/index.ts';
import { newAuthority, newKeyPair, openAuthority, readTls } from '../../../src/security/index.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { type Small, startSmall } from '../../support/fakes/small-engine.ts';

describe('a command of arpanet with a certificate', () => {
  let dir: string;
  let small: Small;
  const env = () => ({ HOME: dir, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: dir });
  const tlsUrl = () => `tcp://127.0.0.1:${small.endpoint.addresses[1]?.port ?? 0}`;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'arpanet-cli-tls-'));
    makeCertificates(dir);
    const at = (name: string): string => join(dir, name);
    const tls = readTls({ ca: at('ca.pem'), cert: at('server-cert.pem'), key: at('server-key.pem') }, Date.now());
    const listen = [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, isTls: true },
    ];
    small = await startSmall({ known: { containers: { list: () => [] } }, deps: { listen, tls: { own: tls } } });
  });
  after(async () => {
    await small[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is answered, also twice on one connection, and gets a connection of its own', async () => {
    const api = apiClient({}, { ...env(), DOCKER_HOST: tlsUrl() });
    assert.deepEqual(await api.json('/containers/json'), []);
    assert.deepEqual(await api.json('/containers/json'), []);
    await assert.rejects(api.upgrade('/containers/nosuch/attach', 'tcp', {}), { message: /the scheduler at https:\/\/.*nothing here/ });
  });

  it('is told what is wrong with its certificates, or that the other end has none', async () => {
    const asked = (more: Readonly<Record<string, string>>) =>
      apiClient({}, { ...env(), DOCKER_HOST: tlsUrl(), ...more }).json('/containers/json');
    await assert.rejects(asked({ DOCKER_TLS_VERIFY: '' }), {
      message: /does not speak plain HTTP: if it has TLS, set DOCKER_TLS_VERIFY=1/,
    });
    await assert.rejects(asked({ DOCKER_HOST: `tcp://127.0.0.1:${small.port}` }), { message: /it has no TLS: unset DOCKER_TLS_VERIFY/ });
    const bare = mkdtempSync(join(dir, 'bare-'));
    assert.throws(() => apiClient({}, { ...env(), DOCKER_HOST: tlsUrl(), DOCKER_CERT_PATH: bare }), { message: /there is no .*ca\.pem/ });
    writeFileSync(join(bare, 'ca.pem'), readFileSync(join(dir, 'ca.pem')));
    await assert.rejects(asked({ DOCKER_CERT_PATH: bare }), { message: /a client certificate is needed \(DOCKER_CERT_PATH\)/ });
    writeFileSync(join(bare, 'cert.pem'), 'no certificate');
    assert.throws(() => apiClient({}, { ...env(), DOCKER_HOST: tlsUrl(), DOCKER_CERT_PATH: bare }), {
      message: /cert\.pem needs its key\.pem/,
    });
    writeFileSync(join(bare, 'key.pem'), readFileSync(join(dir, 'key.pem')));
    assert.throws(() => apiClient({}, { ...env(), DOCKER_HOST: tlsUrl(), DOCKER_CERT_PATH: bare }), {
      kind: 'invalid',
      message: /is none that can be used/,
    });
    const other = mkdtempSync(join(dir, 'other-'));
    makeCertificates(other);
    await assert.rejects(asked({ DOCKER_CERT_PATH: other }), { message: /its certificate is not of the CA/ });
  });

  it('that has expired, is of another CA or is no client’s is refused with that, and nothing of its request is heard', async () => {
    const folder = mkdtempSync(join(dir, 'own-ca-'));
    const daysAgo = Date.now() - 3 * 86_400_000;
    const [authority, foreign] = [await newAuthority(daysAgo), await newAuthority(daysAgo)];
    const issued = async (name: string, kind: 'client' | 'scheduler', by: StoredAuthority, nowMs: number): Promise<string> => {
      const { publicKey, privateKey } = newKeyPair();
      const ca = openAuthority({ authorities: [by] }, () => nowMs);
      const names = ['127.0.0.1'];
      const { certificate } = await ca.issue({ publicKey, commonName: name, kind, names, ttlMs: 86_400_000 });
      const at = mkdtempSync(join(folder, `${name}-`));
      writeFileSync(join(at, 'ca.pem'), openAuthority({ authorities: [authority] }, Date.now).bundle);
      writeFileSync(join(at, 'cert.pem'), certificate);
      writeFileSync(join(at, 'key.pem'), privateKey);
      return at;
    };
    const at = await issued('server', 'scheduler', authority, Date.now());
    const tls = readTls({ ca: join(at, 'ca.pem'), cert: join(at, 'cert.pem'), key: join(at, 'key.pem') }, Date.now());
    let heard = 0;
    const listener = () => void (heard += 1);
    await using one = await startSmall({ listener, deps: { listen: [{ host: '127.0.0.1', port: 0, isTls: true }], tls: { own: tls } } });
    const asked = async (path: string) => {
      const host = { DOCKER_HOST: `tcp://127.0.0.1:${one.endpoint.addresses[0]?.port}`, DOCKER_CERT_PATH: path };
      return await apiClient({}, { ...env(), ...host }).json('/containers/json');
    };
    for (const [path, message] of [
      [
        await issued('ada', 'client', authority, daysAgo),
        /the client certificate of "ada" is valid from .* to .* and this scheduler's clock says/,
      ],
      [await issued('eve', 'client', foreign, Date.now()), /the client certificate of "eve" is not of the CA of this scheduler's --tls-ca/],
    ] as const)
      await assert.rejects(asked(path), { engineStatus: 401, message });
    assert.equal(heard, 0);
    await asked(await issued('ben', 'client', authority, Date.now()));
  });

  it('asks by a Unix socket as well', async () => {
    const socket = join(dir, 'api.sock');
    const server = createServer((_req, res) => res.end('["by the socket"]')).listen(socket);
    try {
      assert.deepEqual(await apiClient({ endpoint: `unix://${socket}` }, env()).json('/x'), ['by the socket']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
