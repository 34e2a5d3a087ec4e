/** What `docker service create` sends -> what each instance is made from; and what means nothing here, refused with the reason. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  idOf,
  refuseMeaningless,
  requestOf,
  settingsOf,
  settled,
  warningsOf,
  withKnownEndpoints,
} from '../../../src/docker-api/swarm/spec.ts';
import { goDecode, goStruct } from '../../../src/docker-json/index.ts';
import { countsOf, restartOf } from '../../../src/docker-api/swarm/mode.ts';
import { refuseOutOfRange } from '../../../src/docker-api/swarm/validate.ts';
import { templateLabels } from '../../../src/docker-api/swarm/templates.ts';
import { predefinedNetworks } from '../../../src/model/index.ts';
import type { ServiceSpec } from '../../../src/docker-api/swarm/types.ts';

type Task = NonNullable<ServiceSpec['TaskTemplate']>;
const spec = (task: Task, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  Name: 'abc_web',
  Labels: { 'com.docker.stack.namespace': 'abc' },
  TaskTemplate: { ...task, ContainerSpec: { Image: 'web', ...task.ContainerSpec } },
  ...more,
});
const request = (task: Task, more: Partial<ServiceSpec> = {}) => requestOf(spec(task, more), { deployment: 'abc', service: 'web' });

/** As the endpoint reads it; docker-py sends `{"global": {}}`. */
const modeIn = (body: string): ServiceSpec['Mode'] => (goDecode(body, goStruct('swarm.ServiceSpec')).value as ServiceSpec).Mode;

describe('a service’s spec', () => {
  it('of a stack belongs to the deployment of that name; without one to "default"', () => {
    assert.deepEqual(idOf(spec({})), { deployment: 'abc', service: 'web' });
    assert.deepEqual(idOf({ Name: 'solo' }), { deployment: 'default', service: 'solo' });
    assert.throws(() => idOf({ Name: '-x' }), /invalid service name/);
  });

  it('becomes a create request with compose’s labels', () => {
    const { Labels, ...made } = request(
      {
        ContainerSpec: {
          Command: ['sh'],
          Args: ['-c', 'true'],
          Env: ['A=1'],
          Hosts: ['192.0.2.1 db'],
          Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }],
          StopGracePeriod: 1_500_000_000,
          CapabilityAdd: ['NET_ADMIN'],
          OomScoreAdj: 5,
        },
        Resources: { Limits: { NanoCPUs: 5e8, MemoryBytes: 2 ** 26, Pids: 9 }, Reservations: { NanoCPUs: 25e7, MemoryBytes: 2 ** 25 } },
        RestartPolicy: { Condition: 'on-failure', MaxAttempts: 3 },
        Placement: { Constraints: ['node.labels.disk==ssd'] },
        Networks: [{ Target: 'abc_back', Aliases: ['www'] }],
        LogDriver: { Name: 'syslog' },
      },
      { EndpointSpec: { Ports: [{ TargetPort: 80, PublishedPort: 8080, PublishMode: 'host' }] } },
    );
    assert.deepEqual(made, {
      Image: 'web:latest',
      Entrypoint: ['sh'],
      Cmd: ['-c', 'true'],
      Env: ['A=1'],
      StopTimeout: 2,
      ExposedPorts: { '80/tcp': {} },
      HostConfig: {
        NetworkMode: 'abc_back',
        Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }],
        Memory: 2 ** 26,
        MemoryReservation: 2 ** 25,
        NanoCpus: 5e8,
        PidsLimit: 9,
        RestartPolicy: { Name: 'no' },
        ExtraHosts: ['db:192.0.2.1'],
        CapAdd: ['NET_ADMIN'],
        OomScoreAdj: 5,
        LogConfig: { Type: 'syslog', Config: {} },
        PortBindings: { '80/tcp': [{ HostPort: '8080' }] },
      },
      NetworkingConfig: { EndpointsConfig: { abc_back: { Aliases: ['www', 'web'] } } },
    });
    assert.equal(Labels?.['com.docker.compose.service'], 'web');
    assert.equal(Labels?.['arpanet.constraints'], '["node.labels.disk==ssd"]');
    assert.equal(Labels?.['arpanet.restart'], 'on-failure,delay=5000ms,attempts=3', 'an Engine has no such delay');
    assert.equal(Labels?.['arpanet.reserve'], 'cpus=0.25', 'a container itself has no such reservation');
  });

  it('sets the rolling update; a port of the routing mesh is published on the hosts, with a warning', () => {
    const settings = settingsOf({ Parallelism: 2, Delay: 5e9, FailureAction: 'pause', Monitor: 3e9, Order: 'stop-first' });
    const { parallelism, delayMs, onFailure, monitorMs, order } = settings;
    assert.deepEqual([parallelism, delayMs, onFailure, monitorMs, order], [2, 5000, 'pause', 3000, 'stop-first']);
    assert.match(warningsOf(spec({}, { EndpointSpec: { Ports: [{ TargetPort: 80 }] } }))[0] ?? '', /no routing mesh/);
  });

  it('is kept with its mode in Go’s letters and its networks’ ids; an unknown network stays as it is called', () => {
    const ids = new Map([['back', '9f']]);
    const given = {
      ...spec({ Networks: [{ Target: 'back', Aliases: ['b'] }] }),
      Mode: modeIn('{"mode": {"global": {}}}') ?? {},
      Networks: [{ Target: 'x' }],
    };
    const kept = settled(given, (name) => ids.get(name) ?? name);
    assert.deepEqual(kept.Mode, { Global: {} });
    assert.deepEqual(kept.TaskTemplate?.Networks, [{ Target: '9f', Aliases: ['b'] }]);
    assert.deepEqual(kept.Networks, [{ Target: 'x' }]);
    assert.deepEqual(modeIn('{"Mode": {"replicated": {"replicas": 5}}}'), { Replicated: { Replicas: 5 } });
  });

  it('names a host’s own network by its name, whichever way it is meant, and without aliases', () => {
    const host = predefinedNetworks.get('host') ?? '';
    for (const Target of ['host', host]) {
      const made = request({ Networks: [{ Target }] });
      assert.equal(made.HostConfig?.NetworkMode, 'host');
      assert.equal(made.NetworkingConfig, undefined);
    }
  });

  it('with Go templates tells its instances what those can name; a bad template is refused in swarmkit’s words, and text without one says nothing', () => {
    const labelsOf = (container: NonNullable<Task['ContainerSpec']>, more: Partial<ServiceSpec> = {}) =>
      templateLabels(spec({ ContainerSpec: container }, more), { deployment: 'abc', service: 'web' });
    assert.deepEqual(labelsOf({ Env: ['A=1'], Hostname: 'x' }), {});
    assert.deepEqual(labelsOf({ Hostname: '{{.Service.Name}}-{{.Task.Slot}}' }), { 'arpanet.templates': '{"name":"abc_web"}' });
    const mounts = [{ Type: 'volume', Source: 'data-{{.Task.Slot}}', Target: '/data' }];
    assert.deepEqual(labelsOf({ Mounts: mounts }, { Mode: { Global: {} } }), { 'arpanet.templates': '{"name":"abc_web","isGlobal":true}' });
    assert.deepEqual(labelsOf({ Env: ['T={{index .Service.Labels "a"}}'] }, { Labels: { a: 'b' } }), {
      'arpanet.templates': '{"name":"abc_web","labels":{"a":"b"}}',
    });
    assert.throws(() => labelsOf({ Env: ['A={{.Nobody}}'] }), {
      kind: 'invalid',
      message:
        'rpc error: code = InvalidArgument desc = expanding env failed: expanding env "A={{.Nobody}}": template: expansion:1: executing "expansion" at <.Nobody>: can\'t evaluate field Nobody',
    });
    assert.deepEqual(labelsOf({ Env: ['{{.Nobody}}=1'] }), {}, 'names of variables are no templates');
  });

  it('is started again by its Engine unless a delay, a window or a number of attempts is asked for; a job only when it failed', () => {
    const of = (RestartPolicy: Task['RestartPolicy'], Mode: ServiceSpec['Mode'] = {}) => {
      const { policy, labels } = restartOf({ TaskTemplate: { RestartPolicy: RestartPolicy ?? null }, Mode });
      return [policy.Name, labels['arpanet.restart']];
    };
    assert.deepEqual(of(null), ['always', undefined]);
    assert.deepEqual(of({ Condition: 'on-failure' }), ['on-failure', undefined]);
    assert.deepEqual(of({ Condition: 'none' }), ['no', 'none,delay=5000ms']);
    assert.deepEqual(of({ Delay: 2e9, Window: 60e9, MaxAttempts: 4 }), ['no', 'any,delay=2000ms,window=60000ms,attempts=4']);
    for (const Condition of ['', 'any', 'on-failure'])
      assert.deepEqual(of({ Condition, Delay: 1e9 }, { GlobalJob: {} }), ['no', 'on-failure,delay=1000ms']);
  });

  it('of a job says how many shall end, and how many run at once', () => {
    const of = (Mode: ServiceSpec['Mode']) => countsOf({ ...spec({}), Mode: Mode ?? {} }, 7);
    assert.deepEqual(of({ ReplicatedJob: { MaxConcurrent: 2, TotalCompletions: 9 } }), {
      desired: 9,
      job: { concurrent: 2, iteration: 0, startedAtMs: 7 },
    });
    assert.deepEqual(of({ ReplicatedJob: {} }).desired, 1);
    assert.deepEqual(of({ ReplicatedJob: { MaxConcurrent: 3 } }).desired, 3);
    assert.deepEqual(of({ GlobalJob: {} }), { desired: undefined, isGlobal: true, job: { concurrent: 0, iteration: 0, startedAtMs: 7 } });
    assert.throws(
      () => refuseOutOfRange({ ...spec({}), Mode: { GlobalJob: {} }, UpdateConfig: { Parallelism: 1 } }),
      /Jobs may not have an update config/,
    );
  });

  it('leaves endpoints as compose made them in the networks that a service stays in', () => {
    const { NetworkingConfig } = withKnownEndpoints(request({ Networks: [{ Target: 'a' }, { Target: 'b' }] }), {
      a: { Aliases: ['web', 'www'], Links: ['db'] },
      c: {},
    });
    assert.deepEqual(NetworkingConfig?.EndpointsConfig, { a: { Aliases: ['web', 'www'], Links: ['db'] }, b: { Aliases: ['web'] } });
  });

  it('keeps a global service to one a host and to its host, and --replicas-max-per-node to its number', () => {
    const of = (task: Parameters<typeof spec>[0], over: Parameters<typeof spec>[1]) =>
      requestOf(spec(task, over), { deployment: 'default', service: 'web' }).Labels ?? {};
    const isGlobal = of({}, { Mode: { Global: {} } });
    assert.deepEqual([isGlobal['arpanet.max-per-host'], isGlobal['arpanet.reschedule']], ['1', 'off']);
    const most = of({ Placement: { MaxReplicas: 2 } }, {});
    assert.deepEqual([most['arpanet.max-per-host'], most['arpanet.reschedule']], ['2', undefined]);
    const Preferences = ['zone', 'rack'].map((label) => ({ Spread: { SpreadDescriptor: `node.labels.${label}` } }));
    assert.equal(of({ Placement: { Preferences } }, {})['arpanet.spread'], '["node.labels.zone","node.labels.rack"]');
    assert.deepEqual(warningsOf(spec({ Placement: { Preferences } })), []);
    const reserved = { ContainerSpec: { Image: 'web', Labels: { 'arpanet.record': '{}', 'arpanet.reschedule': 'off' } } };
    assert.deepEqual(warningsOf(spec(reserved)), ['only arpanet writes the label arpanet.record: left out']);
    refuseMeaningless(spec({}, { UpdateConfig: { MaxFailureRatio: 0.5 } }));
    for (const role of ['node.role == worker', 'node.role!=manager']) refuseMeaningless(spec({ Placement: { Constraints: [role] } }));
  });

  for (const [what, wish, why] of [
    ['a secret in a read-only container', spec({ ContainerSpec: { ReadOnly: true, Secrets: [{}] } }), /they are files in it/],
    ['Windows', spec({ ContainerSpec: { Isolation: 'hyperv' } }), /Windows/],
    ['a plugin', spec({ Runtime: 'plugin' }), /instances are containers/],
    ['roles', spec({ Placement: { Constraints: ['node.role == manager'] } }), /every host is a worker here.* node\.labels/],
    ['--generic-resource', spec({ Resources: { Reservations: { GenericResources: [{}] } } }), /use a constraint/],
    ['no image', { TaskTemplate: {} }, /image reference must be provided/],
  ] as const)
    it(`refuses ${what}, with the reason`, () => {
      assert.throws(() => refuseMeaningless({ ...spec({}), ...wish }), why);
    });
});
