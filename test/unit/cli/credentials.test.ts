import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { credentialsFor, registryAuth } from '../../../src/cli/commands/deploy/credentials.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('what docker login has kept', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'arpanet-docker-config-'));
    const helper = join(folder, 'docker-credential-box');
    const text = [
      '#!/bin/sh',
      'read server',
      'case "$server" in kept:5000) printf \'{"Username":"ali","Secret":"of %s"}\' "$server";; broken) exit 3;;',
      '*) printf "credentials not found in native keychain"; exit 1;; esac',
    ];
    writeFileSync(helper, `${text.join('\n')}\n`);
    chmodSync(helper, 0o755);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const env = () => ({ DOCKER_CONFIG: folder, PATH: `${folder}:${process.env['PATH'] ?? ''}` });
  const config = (value: object) => writeFileSync(join(folder, 'config.json'), JSON.stringify(value));

  it('is found by the registry’s host, however the file writes it', async () => {
    config({
      auths: {
        'https://index.docker.io/v1/': { auth: base64('me:with:colon') },
        'registry:5000': { auth: base64('ali:one') },
        'https://other.example/v1/': { auth: base64('eve:two') },
        'token.example': { identitytoken: 'long' },
      },
    });
    for (const [host, username, secret] of [
      ['docker.io', 'me', 'with:colon'],
      ['registry-1.docker.io', 'me', 'with:colon'],
      ['registry:5000', 'ali', 'one'],
      ['other.example', 'eve', 'two'],
      ['token.example', '<token>', 'long'],
    ] as const)
      assert.deepEqual(await credentialsFor(host, env()), { username, secret }, host);
    assert.equal(await credentialsFor('unknown', env()), undefined);
    assert.equal(await credentialsFor('docker.io', { DOCKER_CONFIG: '/nowhere' }), undefined);
  });

  it('goes with a pull, as the Engine’s API wants it', async () => {
    const sent = async (image: string) => {
      const { 'X-Registry-Auth': auth } = await registryAuth(image, env());
      return auth === undefined ? undefined : (JSON.parse(Buffer.from(auth, 'base64url').toString()) as unknown);
    };
    assert.deepEqual(await sent('web'), { username: 'me', password: 'with:colon', serveraddress: 'https://index.docker.io/v1/' });
    assert.deepEqual(await sent('token.example/a/b:1'), { identitytoken: 'long', serveraddress: 'token.example' });
    assert.equal(await sent('unknown:5000/a'), undefined);
  });

  it('is asked of a helper where the file names one', async () => {
    config({ credsStore: 'box', auths: { 'kept:5000': {} } });
    assert.deepEqual(await credentialsFor('kept:5000', env()), { username: 'ali', secret: 'of kept:5000' });
    assert.equal(await credentialsFor('unknown', env()), undefined);
    await assert.rejects(credentialsFor('broken', env()), /^ArpanetError: docker-credential-box, .*gives no credentials for broken$/);
  });
});
