import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkEnv } from '../../../src/scheduler/create/link-env.ts';

/** The literal lists are those of moby's daemon/links/links_test.go. */
describe('the variables of links', () => {
  it('name each port of the target, its lowest as the default, and its environment', () => {
    assert.deepEqual(
      linkEnv('web', [{ alias: 'docker-1', ip: '10.0.17.2', ports: ['6379/tcp'], env: ['PASSWORD=gordon', 'PATH=/bin', 'BARE'] }]),
      [
        'DOCKER_1_PORT=tcp://10.0.17.2:6379',
        'DOCKER_1_PORT_6379_TCP=tcp://10.0.17.2:6379',
        'DOCKER_1_PORT_6379_TCP_ADDR=10.0.17.2',
        'DOCKER_1_PORT_6379_TCP_PORT=6379',
        'DOCKER_1_PORT_6379_TCP_PROTO=tcp',
        'DOCKER_1_NAME=/web/docker-1',
        'DOCKER_1_ENV_PASSWORD=gordon',
      ],
    );
  });

  it('write consecutive ports as a range', () => {
    const said = linkEnv('db', [{ alias: 'docker', ip: '10.0.17.2', ports: ['6381/tcp', '6379/tcp', '6380/tcp'], env: [] }]);
    assert.deepEqual(said.slice(0, 7), [
      'DOCKER_PORT=tcp://10.0.17.2:6379',
      'DOCKER_PORT_6379_TCP_START=tcp://10.0.17.2:6379',
      'DOCKER_PORT_6379_TCP_ADDR=10.0.17.2',
      'DOCKER_PORT_6379_TCP_PROTO=tcp',
      'DOCKER_PORT_6379_TCP_PORT_START=6379',
      'DOCKER_PORT_6379_TCP_END=tcp://10.0.17.2:6381',
      'DOCKER_PORT_6379_TCP_PORT_END=6381',
    ]);
    assert.equal(said.at(-1), 'DOCKER_NAME=/db/docker');
  });
});
