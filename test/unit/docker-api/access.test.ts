import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redacted } from '../../../src/docker-api/access/redact.ts';
import { referencesIn } from '../../../src/docker-api/access/references-in.ts';
import { accessOf, decidedRoutes, refuseRoute } from '../../../src/docker-api/access/route-access.ts';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { clientIn, refuseAccess, type Role, seesAll, signClient, verifiedClient } from '../../../src/security/index.ts';

const lines = ROUTES.map(({ method, path }) => `${method} ${path}`);
const refusedTo = (role: Role): readonly string[] =>
  ROUTES.flatMap((route) => {
    const line = `${route.method} ${route.path}`;
    return refuseAccess({ name: 'ada', role }, accessOf(route), line) === undefined ? [] : [line];
  });

describe('what a role may ask for', () => {
  it('is decided for each route, and for nothing that is no route', () => {
    assert.deepEqual(lines.toSorted(), decidedRoutes().toSorted());
  });

  it('is for operators where nobody has decided', () => {
    assert.equal(accessOf({ method: 'POST', path: '/newer/than/this' }), undefined);
    assert.equal(
      refuseAccess({ name: 'ada', role: 'deployer' }, undefined, 'x'),
      'ada has the role deployer, and x needs the role operator',
    );
    assert.equal(refuseAccess({ name: 'ada', role: 'operator' }, undefined, 'x'), undefined);
    assert.match(refuseAccess({ name: 'ada', role: 'operator' }, 'cluster', 'x') ?? '', /needs the role admin$/);
  });

  it('a viewer changes nothing, and sees nothing of what is inside', () => {
    const allowed = lines.filter((line) => !refusedTo('viewer').includes(line));
    assert.deepEqual(
      allowed.filter((line) => !line.startsWith('GET ')),
      ['POST /containers/{id}/wait', 'POST /auth'],
    );
    for (const word of ['archive', 'export', 'attach', 'exec', '/get'])
      assert.deepEqual(
        allowed.filter((line) => line.includes(word)),
        [],
        word,
      );
  });

  it('a deployer whose docker builds by BuildKit reads how it can build', () => {
    const grpc = { method: 'POST', path: '/grpc' } as const;
    assert.match(
      refuseRoute({ name: 'ada', role: 'deployer', deployments: ['abc'] }, grpc) ?? '',
      /^ada has the role deployer, and POST \/grpc needs the role operator: BuildKit's own protocol .* build with DOCKER_BUILDKIT=0, or by "arpanet deploy"$/,
    );
    assert.equal(refuseRoute({ name: 'olga', role: 'operator' }, grpc), undefined);
    assert.equal(refuseRoute({ name: 'ada', role: 'deployer' }, { method: 'POST', path: '/build' }), undefined);
    assert.match(refuseRoute({ name: 'vera', role: 'viewer' }, { method: 'POST', path: '/build' }) ?? '', /needs the role deployer$/);
  });

  it('a deployer gets neither what prunes all deployments, nor images taken away, nor BuildKit’s own protocol, nor the swarm', () => {
    const refused = refusedTo('deployer');
    for (const line of [
      'POST /volumes/prune',
      'DELETE /images/{name*}',
      'POST /grpc',
      'POST /swarm/update',
      'GET /swarm',
      'POST /nodes/{id}/update',
    ])
      assert.ok(refused.includes(line), line);
    for (const line of ['POST /containers/create', 'POST /build', 'POST /exec/{id}/start']) assert.ok(!refused.includes(line), line);
    assert.deepEqual(refusedTo('operator'), []);
    assert.deepEqual(
      [
        seesAll({ name: 'a', role: 'operator' }),
        seesAll({ name: 'a', role: 'viewer' }),
        seesAll({ name: 'a', role: 'admin', deployments: ['abc'] }),
      ],
      [true, false, false],
    );
  });
});

describe('what a viewer is shown', () => {
  it('has no environment in any shape of an inspect', () => {
    const shapes = {
      Config: { Env: ['PASSWORD=hunter2'], Image: 'web', Labels: { Env: 'prod', Data: 'x' } },
      ContainerConfig: { Env: null, Cmd: ['/bin/sh', '-c', '#(nop) ', 'ENV PASSWORD=hunter2'] },
      Spec: { TaskTemplate: { ContainerSpec: { Env: ['PASSWORD=hunter2'], Command: ['run'] } } },
      PreviousSpec: { TaskTemplate: { ContainerSpec: { Env: ['PASSWORD=hunter2'] } } },
      History: [
        { CreatedBy: 'ENV PASSWORD=hunter2' },
        { CreatedBy: '/bin/sh -c #(nop)  ENV PASSWORD=hunter2' },
        { CreatedBy: 'ARG PASSWORD=hunter2' },
        { CreatedBy: 'RUN |1 PASSWORD=hunter2 /bin/sh -c make # buildkit' },
        { CreatedBy: '|2 A=b PASSWORD=hunter2 /bin/ash -c make' },
        { CreatedBy: 'RUN /bin/sh -c make' },
      ],
      Configs: [{ Spec: { Name: 'c', Data: 'aHVudGVyMg==' } }],
    };
    const shown = redacted(shapes) as typeof shapes;
    assert.doesNotMatch(JSON.stringify(shown), /hunter2|aHVudGVyMg/);
    assert.deepEqual([shown.Config.Env, shown.ContainerConfig.Env, shown.Config.Image], [[], null, 'web']);
    assert.equal(shown.History.at(-1)?.CreatedBy, 'RUN /bin/sh -c make');
    assert.equal(shown.Spec.TaskTemplate.ContainerSpec.Command[0], 'run');
  });
});

describe('what a create names of others', () => {
  it('is found in every spelling', () => {
    const { containers, networks, volumes } = referencesIn({
      HostConfig: {
        NetworkMode: 'container:a',
        PidMode: 'container:b',
        IpcMode: 'container:c',
        UTSMode: 'container:g',
        VolumesFrom: ['d:ro'],
        Links: ['e:alias'],
        Binds: ['data:/data:ro', '/etc:/etc', '/anonymous'],
        Mounts: [{ Type: 'volume', Source: 'more' }, { Type: 'bind', Source: '/etc' }, { Type: 'tmpfs' }],
      },
      NetworkingConfig: { EndpointsConfig: { front: { Links: ['f'], NetworkID: '0123' }, bridge: null } },
    });
    assert.deepEqual(containers, ['a', 'b', 'c', 'g', 'd', 'e', 'f']);
    assert.deepEqual(networks, ['front', '0123']);
    assert.deepEqual(volumes, ['data', 'more']);
    assert.deepEqual(referencesIn({ HostConfig: { NetworkMode: 'back' } }).networks, ['back']);
    assert.deepEqual(referencesIn({}), { containers: [], networks: [], volumes: [] });
  });
});

describe('who asks', () => {
  const peer = { user: 'ada', kind: 'client', fingerprint: 'ab', issuer: 'cd', from: '10.0.0.9' };
  const request = { method: 'GET', url: '/info', requestId: '12345678' };

  it('is what the certificate says', () => {
    assert.deepEqual(
      clientIn({ subject: { CN: 'ada', OU: 'client' }, fingerprint256: 'AB', issuerCertificate: { fingerprint256: 'CD' } }, '10.0.0.9'),
      peer,
    );
    assert.equal(clientIn({}, '10.0.0.9'), undefined);
    assert.equal(clientIn({ subject: { CN: ['ada', 'root'] }, fingerprint256: 'AB' }, '')?.user, 'ada');
  });

  it('a follower tells the leader, for one request, and nobody else can', () => {
    const said = signClient('secret', peer, request);
    assert.deepEqual(verifiedClient('secret', said, request), peer);
    assert.equal(verifiedClient('another', said, request), undefined);
    for (const other of [{ url: '/images/json' }, { method: 'POST' }, { requestId: '87654321' }])
      assert.equal(verifiedClient('secret', said, { ...request, ...other }), undefined);
    const forged = Buffer.from(JSON.stringify({ ...peer, user: 'root' })).toString('base64url');
    for (const text of [`${forged}.${said.split('.')[1]}`, forged, `${forged}.`, '', '.', 'a.b.c', `${said}.x`])
      assert.equal(verifiedClient('secret', text, request), undefined, text);
  });
});
