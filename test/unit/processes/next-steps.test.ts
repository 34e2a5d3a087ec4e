import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { nextSteps, type ProgramsHere, programsHere } from '../../../src/processes/next-steps.ts';

const all: ProgramsHere = {
  docker: true,
  compose: 'docker compose',
  arpanet: 'node dist/cli/main.js',
  shop: 'examples/shop/docker-compose.yml',
};
const commands = (here: ProgramsHere) =>
  nextSteps('tcp://127.0.0.1:2375', 3, here)
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());
const ps = `docker ps --format '{{.Label "arpanet.host"}}\\t{{.Names}}\\t{{.Status}}'`;

describe('what is printed to type next', () => {
  it('is compose as this machine has it', () => {
    assert.deepEqual(commands(all), [
      'export DOCKER_HOST=tcp://127.0.0.1:2375',
      'docker info',
      'docker compose -f examples/shop/docker-compose.yml -p abc up -d --build --scale pricing=4',
      'docker exec abc-web-1 wget -qO- http://localhost/',
      ps,
    ]);
    assert.deepEqual(commands({ ...all, compose: 'docker-compose' }).slice(2, 4), [
      'docker-compose -f examples/shop/docker-compose.yml -p abc up -d --build --scale pricing=4',
      'docker exec abc_web_1 wget -qO- http://localhost/',
    ]);
  });

  it('needs no compose, no docker command and no example', () => {
    assert.deepEqual(commands({ ...all, compose: undefined }).slice(2, 5), [
      'node dist/cli/main.js deploy -f examples/shop/docker-compose.yml -p abc',
      'node dist/cli/main.js scale abc/pricing=4',
      'docker exec abc-web-1 wget -qO- http://localhost/',
    ]);
    assert.deepEqual(commands({ docker: false, compose: undefined, arpanet: 'arpanet', shop: undefined }), [
      'export DOCKER_HOST=tcp://127.0.0.1:2375',
      'arpanet status',
      'arpanet ps',
    ]);
  });

  it('names programs that are on this machine: a plugin that is not installed is not taken for one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-programs-'));
    try {
      const program = (name: string, code: number) => {
        writeFileSync(join(dir, name), `#!/bin/sh\nexit ${code}\n`);
        chmodSync(join(dir, name), 0o755);
      };
      const env = { PATH: dir };
      assert.deepEqual([(await programsHere(env, 'main.js')).docker, (await programsHere(env, 'main.js')).compose], [false, undefined]);
      program('docker', 1);
      program('docker-compose', 0);
      assert.equal((await programsHere(env, 'main.js')).compose, 'docker-compose');
      program('docker', 0);
      assert.equal((await programsHere(env, 'main.js')).compose, 'docker compose');
      assert.equal((await programsHere(env, 'main.js')).arpanet, `${process.execPath} main.js`);
      program('arpanet', 0);
      assert.equal((await programsHere(env, 'main.js')).arpanet, 'arpanet');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
