import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';
import { ArpanetError } from '../../../src/model/index.ts';
import { listenSettings, schedulerSettings } from '../../../src/processes/scheduler-settings.ts';
import { isLoopback, readTls } from '../../../src/security/index.ts';
import { makeCertificates } from '../../support/certificates.ts';

const settings = (flags: Record<string, unknown>) =>
  listenSettings(
    loadConfig('scheduler', {
      flags: { store: 'embedded:/d', ...flags },
      env: {},
      readFile: () => '',
    }),
  );
const loadUp = (listen: string) => listenSettings(loadConfig('up', { flags: { listen: [listen] }, env: {}, readFile: () => '' }));
const refused = (message: RegExp) => (error: unknown) => {
  assert(error instanceof ArpanetError && error.kind === 'invalid', String(error));
  assert.match(error.message, message);
  return true;
};
const tls = { tlsCa: 'ca.pem', tlsCert: 'cert.pem', tlsKey: 'key.pem' };

describe('--listen', () => {
  it('is plain on loopback, and needs no more', () => {
    for (const host of ['127.0.0.1', '127.8.0.1', 'localhost', '[::1]']) {
      const { alsoListen, exposed, tls: files } = settings({ listen: [`tcp://${host}:2375`] });
      assert.deepEqual([alsoListen, exposed, files], [[], [], undefined], host);
    }
  });

  it('is refused elsewhere with what to type, unless there are certificates or it is said to be insecure', () => {
    for (const host of ['0.0.0.0', '10.0.0.1', '[::]', 'db1', '127.0.0.1.evil.example']) {
      const typed = new RegExp(
        `tcp://${host.replace(/[[\]]/g, String.raw`\$&`)}:2375 would have no TLS.* --listen tls://.*:2376 .*: --insecure`,
      );
      for (const more of [{}, { listen: ['tcp://127.0.0.1:2375', `tcp://${host}:2375`] }])
        assert.throws(() => settings({ listen: [`tcp://${host}:2375`], ...more }), refused(typed));
      assert.throws(() => loadUp(`tcp://${host}:2375`), refused(typed));
      assert.deepEqual(settings({ listen: [`tcp://${host}:2375`], insecure: true }).exposed, [`tcp://${host}:2375`]);
      const { alsoListen, exposed: open } = settings({ listen: [`tcp://${host}:2375`, 'tcp://127.0.0.1:2375'], ...tls });
      assert.deepEqual([alsoListen.map((one) => 'isTls' in one && one.isTls), open], [[true], []], host);
    }
    const { listen, exposed } = settings({ listen: ['tcp://10.0.0.1:2375'], insecure: true });
    assert.deepEqual([listen, exposed], [{ host: '10.0.0.1', port: 2375, isTls: false }, ['tcp://10.0.0.1:2375']]);
  });

  it('takes several: plain for agents, TLS for clients, a socket for a group', () => {
    const listen = ['tls://0.0.0.0:2376', 'unix:///run/arpanet.sock?group=docker&mode=0600', 'tcp://127.0.0.1:2375'];
    assert.deepEqual(settings({ listen, ...tls }), {
      listen: { host: '127.0.0.1', port: 2375, isTls: false },
      alsoListen: [
        { host: '0.0.0.0', port: 2376, isTls: true },
        { path: '/run/arpanet.sock', mode: 0o600, group: 'docker' },
      ],
      tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
      exposed: [],
    });
  });

  it('has TLS alone where it says so, with the certificates of the cluster where there are no files', () => {
    const { listen, alsoListen, tls: files, exposed } = settings({ listen: ['tls://0.0.0.0:2376'] });
    assert.deepEqual([listen, alsoListen, files, exposed], [{ host: '0.0.0.0', port: 2376, isTls: true }, [], undefined, []]);
    const config = (store: string, more = {}) =>
      loadConfig('scheduler', { flags: { store, listen: ['tls://10.0.0.1:2376'], ...more }, env: {}, readFile: () => '' });
    assert.equal(schedulerSettings(config('embedded:/d'), 'me').advertise, 'https://10.0.0.1:2376');
    const consul = 'consul://127.0.0.1:8500';
    assert.throws(() => schedulerSettings(config(consul), 'me'), refused(/needs --cluster-key/));
    assert.equal(schedulerSettings(config(consul, { clusterKey: '/k' }), 'me').clusterKey, '/k');
  });

  it('is advertised to the other schedulers where other machines reach it, with TLS if they can speak it', () => {
    const advertised = (store: string, listen: readonly string[], more = {}) =>
      schedulerSettings(loadConfig('scheduler', { flags: { store, listen, ...more }, env: {}, readFile: () => '' }), 'me').advertise;
    const consul = 'consul://127.0.0.1:8500';
    const both = ['tcp://127.0.0.1:2375', 'tls://10.0.0.1:2376'];
    assert.equal(advertised(consul, both, { clusterKey: '/k' }), 'https://10.0.0.1:2376');
    assert.equal(advertised('embedded:/d', both), 'https://10.0.0.1:2376');
    assert.equal(advertised('embedded:/d', ['tcp://127.0.0.1:2375']), 'http://127.0.0.1:2375');
    assert.equal(advertised(consul, ['tcp://10.0.0.1:2375'], { insecure: true }), 'http://10.0.0.1:2375');
    assert.equal(advertised(consul, both, { ...tls }), 'http://127.0.0.1:2375', 'without a CA of its own');
    assert.equal(advertised(consul, both, { clusterKey: '/k', advertise: 'https://s1:2376' }), 'https://s1:2376');
  });

  it('gives tcp:// TLS where there are certificates and others reach it', () => {
    const { alsoListen } = settings({ listen: ['tcp://127.0.0.1:2375', 'tcp://0.0.0.0:2376'], ...tls });
    assert.deepEqual(alsoListen, [{ host: '0.0.0.0', port: 2376, isTls: true }]);
  });

  it('says what is missing', () => {
    const plain = 'tcp://127.0.0.1:2375';
    assert.throws(() => settings({ listen: [plain], tlsCert: 'cert.pem' }), refused(/given together/));
    assert.throws(() => settings({ listen: [plain], ...tls }), refused(/no address of --listen has TLS/));
    assert.throws(() => settings({ listen: ['unix:///run/a.sock'] }), refused(/tcp:\/\/ADDR:PORT, for agents/));
    assert.throws(() => settings({ listen: [plain, 'unix://run'] }), refused(/"unix:\/\/run" is not of the form unix:\/\/\/PATH/));
    assert.throws(() => settings({ listen: [plain, 'unix:///a?mode=999'] }), refused(/unix:\/\/\/PATH/));
    assert.throws(() => settings({ listen: [plain, 'unix:///a?owner=me'] }), refused(/unix:\/\/\/PATH/));
    assert.throws(() => settings({ listen: [plain, 'tls://a'] }), refused(/"tls:\/\/a" is not of the form tls:\/\/ADDR:PORT/));
  });

  it('takes no name for loopback that only looks like it', () => {
    for (const host of ['127.0.0.1.evil.example', '127.1', 'localhost.evil.example', '128.0.0.1', '0.0.0.0', '::'])
      assert.equal(isLoopback(host), false, host);
  });
});

describe('the files of TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-tls-'));
  const at = (name: string): string => join(dir, name);
  const files = { ca: at('a/ca.pem'), cert: at('a/cert.pem'), key: at('a/key.pem') };
  before(() => {
    for (const name of ['a', 'b']) makeCertificates(at(name));
    writeFileSync(at('text'), 'no pem');
  });
  after(() => rmSync(dir, { recursive: true }));

  it('are read', () => {
    assert.match(readTls(files, Date.now()).cert.toString(), /BEGIN CERTIFICATE/);
  });

  it('are each refused with the flag, the path and the reason', () => {
    assert.throws(() => readTls({ ...files, key: at('none') }, Date.now()), refused(/--tls-key: cannot read .*none \(ENOENT\)/));
    assert.throws(() => readTls({ ...files, ca: at('text') }, Date.now()), refused(/--tls-ca: .*text holds no certificate/));
    assert.throws(() => readTls({ ...files, key: at('b/key.pem') }, Date.now()), refused(/--tls-key: .*key.pem is not the private key/));
    const later = Date.now() + 30 * 86_400_000;
    assert.throws(
      () => readTls(files, later),
      refused(new RegExp(`valid from .* to .*, and this machine's clock says ${new Date(later).toISOString()}`)),
    );
  });
});
