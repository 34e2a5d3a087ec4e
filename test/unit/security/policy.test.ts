import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DOCKER_TYPES, goStruct } from '../../../src/docker-json/index.ts';
import type { CreateRequest, PolicyRules } from '../../../src/model/index.ts';
import { parseGoJson } from '../../../src/schemas/index.ts';
import {
  DEPLOYER_POLICY,
  type Policy,
  policyFor,
  refuseBuild,
  refuseBuildKit,
  refuseConnect,
  refuseCreate,
  refuseExec,
  refuseUpdate,
  refuseNetwork,
  refuseVolume,
} from '../../../src/security/index.ts';

const WRAPPERS = ['runconfig.ContainerConfigWrapper', 'runconfig.ContainerConfigWrapper@1.41'];
const host = (HostConfig: object): CreateRequest => ({ Image: 'web', HostConfig: { ...HostConfig } });

/** Each leads out of the container, or takes from others. */
const FORBIDDEN: readonly object[] = [
  { Privileged: true },
  { NetworkMode: 'host' },
  { PidMode: 'host' },
  { IpcMode: 'host' },
  { UTSMode: 'host' },
  { UsernsMode: 'host' },
  { CgroupnsMode: 'host' },
  { CapAdd: ['SYS_ADMIN'] },
  { CapAdd: ['cap_sys_ptrace'] },
  { CapAdd: ['ALL'] },
  { Devices: [{ PathOnHost: '/dev/sda', PathInContainer: '/dev/sda', CgroupPermissions: 'rwm' }] },
  { DeviceCgroupRules: ['a *:* rwm'] },
  { DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }] },
  { SecurityOpt: ['seccomp=unconfined'] },
  { SecurityOpt: ['apparmor:unconfined'] },
  { SecurityOpt: ['no-new-privileges:false'] },
  { Sysctls: { 'kernel.core_pattern': '|/bin/sh' } },
  { LogConfig: { Type: 'syslog', Config: { 'syslog-address': 'unix:///var/run/docker.sock' } } },
  { LogConfig: { Type: 'splunk', Config: { 'splunk-url': 'http://127.0.0.1:2375' } } },
  { Binds: ['/var/run/docker.sock:/var/run/docker.sock'] },
  { Binds: ['/:/host:ro'] },
  { Mounts: [{ Type: 'bind', Source: '/', Target: '/host' }] },
  {
    Mounts: [
      {
        Type: 'volume',
        Source: 'x',
        Target: '/x',
        VolumeOptions: { DriverConfig: { Name: 'local', Options: { type: 'none', o: 'bind', device: '/' } } },
      },
    ],
  },
  { Mounts: [{ Type: 'npipe', Source: 'x', Target: '/x' }] },
  { VolumeDriver: 'plugin' },
  { Runtime: 'kata' },
  { CgroupParent: '/' },
  { OomScoreAdj: -1000 },
  { OomKillDisable: true },
  { MaskedPaths: [] },
  { ReadonlyPaths: [] },
  { StorageOpt: { size: '1' } },
  { Annotations: { a: 'b' } },
];

/** Each rule opened for something that is not among the forbidden. */
const OTHERS: PolicyRules = {
  binds: ['/srv/abc'],
  hostNamespaces: [],
  capAdd: ['NET_ADMIN'],
  devices: ['/dev/fuse'],
  securityOpt: ['label=type:x'],
  sysctls: ['net.core.somaxconn'],
  logDrivers: ['gelf'],
  registries: ['docker.io'],
  labels: ['arpanet.*'],
};
/** What the rules are about, beside what nobody has decided about. */
const RULED = new Set(
  'Privileged NetworkMode PidMode IpcMode UTSMode UsernsMode CgroupnsMode CapAdd Devices DeviceCgroupRules DeviceRequests SecurityOpt Sysctls LogConfig Binds'.split(
    ' ',
  ),
);
/** Of an operator all rules are set: those that are not set are open. */
function policyWith(role: 'deployer' | 'operator', opened: readonly (keyof PolicyRules)[]): Policy {
  const { isClosed, ...closed } = DEPLOYER_POLICY;
  const some = Object.fromEntries(opened.map((name) => [name, OTHERS[name]]));
  const policy = policyFor(role, role === 'operator' ? { ...closed, ...some } : some);
  assert.equal(policy?.isClosed, role === 'deployer' && isClosed);
  return policy;
}

describe('the policy for deployers', () => {
  it('refuses what leads out of the container, and names rule and value', () => {
    for (const one of FORBIDDEN) {
      const problem = refuseCreate(DEPLOYER_POLICY, host(one));
      assert.match(problem ?? '', new RegExp(`^HostConfig\\.${Object.keys(one)[0]} .+`), JSON.stringify(one));
    }
    assert.equal(refuseCreate(DEPLOYER_POLICY, host({ Privileged: true })), 'HostConfig.Privileged is true, and may not be given');
  });

  it('lets pass what compose, docker run and docker-py send of an ordinary container', () => {
    const ordinary = {
      Image: 'web',
      Cmd: ['run'],
      Env: ['A=b'],
      Labels: { 'com.docker.compose.project': 'abc', 'arpanet.hooks': '{"post_start":[{"command":["warm"]}]}' },
      ExposedPorts: { '80/tcp': {} },
      HostConfig: {
        Binds: ['data:/data', '/anonymous'],
        Mounts: [
          { Type: 'volume', Source: 'more', Target: '/m', VolumeOptions: { NoCopy: true } },
          { Type: 'tmpfs', Target: '/t' },
        ],
        NetworkMode: 'abc_default',
        Privileged: false,
        CapAdd: null,
        CapDrop: ['ALL'],
        Devices: [],
        DeviceRequests: null,
        SecurityOpt: ['no-new-privileges:true'],
        Sysctls: {},
        OomScoreAdj: 0,
        Memory: 1e9,
        NanoCpus: 5e8,
        MaskedPaths: null,
        Runtime: '',
        Isolation: '',
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m' } },
        RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
        PortBindings: { '80/tcp': [{ HostPort: '8080' }] },
      },
      NetworkingConfig: { EndpointsConfig: { abc_default: { Aliases: ['web'] } } },
    } as unknown as CreateRequest;
    assert.equal(refuseCreate(DEPLOYER_POLICY, ordinary), undefined);
    assert.equal(refuseCreate(DEPLOYER_POLICY, host({ CapAdd: ['NET_BIND_SERVICE', 'CAP_CHOWN'] })), undefined);
  });

  it('by whatever spelling of its keys, twice or once, beside HostConfig or in it: what an Engine would read is what is judged (property)', () => {
    const spelled = (text: string): fc.Arbitrary<string> =>
      fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((up) =>
        text
          .split('')
          .map((letter, i) => (up[i] === true ? letter.toUpperCase() : letter.toLowerCase()))
          .join(''),
      );
    const policies = fc
      .subarray(Object.keys(OTHERS) as (keyof PolicyRules)[])
      .chain((opened) => fc.constantFrom('deployer' as const, 'operator' as const).map((role) => policyWith(role, opened)));
    const cases = fc.constantFrom(...FORBIDDEN).chain((one) => {
      const [name = '', value] = Object.entries(one)[0] ?? [];
      return fc.record({
        key: spelled(name),
        outer: spelled('HostConfig'),
        name: fc.constant(name),
        value: fc.constant(value),
        where: fc.constantFrom('inside', 'beside', 'after', 'before'),
      });
    });
    fc.assert(
      fc.property(cases, fc.constantFrom(...WRAPPERS), policies, ({ key, outer, name, value, where }, wrapper, policy) => {
        const entry = `${JSON.stringify(key)}:${JSON.stringify(value)}`;
        const harmless = `${JSON.stringify(name)}:null`;
        const texts = {
          inside: `{"Image":"web",${JSON.stringify(outer)}:{${entry}}}`,
          beside: `{"Image":"web",${entry}}`,
          after: `{"Image":"web","HostConfig":{${harmless},${entry}}}`,
          before: `{"Image":"web","HostConfig":{},${JSON.stringify(outer)}:{${entry}}}`,
        };
        const read = parseGoJson(texts[where], goStruct(wrapper)) as CreateRequest;
        const isRead = JSON.stringify(read).includes(JSON.stringify(Object.values(value as object)[0] ?? value));
        const problem = refuseCreate(policy, read);
        if (!policy.isClosed && !RULED.has(name)) return;
        // what is not read does not reach an Engine: it gets what was read, written again
        assert.ok(
          problem !== undefined || (where === 'beside' && (!isRead || wrapper === WRAPPERS[0])),
          `${texts[where]} → ${JSON.stringify(read)}`,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('refuses every field that the tables of Docker’s API have and this policy has not decided about', () => {
    const fields = Object.keys(DOCKER_TYPES['container.HostConfig'] as object);
    const silent = fields.filter((name) => refuseUpdate(DEPLOYER_POLICY, { [name]: { newer: ['thing'] } }) === undefined);
    const known =
      'Binds ' +
      'PortBindings LogConfig RestartPolicy AutoRemove VolumesFrom ConsoleSize CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links PublishAllPorts ReadonlyRootfs Tmpfs ShmSize Init CpuShares CpuPeriod CpuQuota CpusetCpus CpusetMems BlkioWeight KernelMemory KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth NetworkMode PidMode IpcMode UTSMode UsernsMode CgroupnsMode Memory NanoCpus OomScoreAdj'.split(
        ' ',
      );
    assert.deepEqual(
      silent.filter((name) => !known.includes(name)),
      [],
    );
    assert.equal(refuseUpdate(DEPLOYER_POLICY, { OfNextYear: 'x' }), 'OfNextYear is "x", and may not be given');
    assert.match(refuseCreate(DEPLOYER_POLICY, { Image: 'web', OfNextYear: true }) ?? '', /^OfNextYear/);
  });

  it('binds are below named paths only, and never by way of ..', () => {
    const policy = { ...DEPLOYER_POLICY, binds: ['/srv/abc'] };
    for (const path of ['/srv/abc', '/srv/abc/data']) assert.equal(refuseCreate(policy, host({ Binds: [`${path}:/x`] })), undefined);
    for (const path of ['/srv/abcd', '/srv', '/srv/abc/../../etc', '/srv/abc/..', '/']) {
      assert.match(refuseCreate(policy, host({ Binds: [`${path}:/x`] })) ?? '', /may have paths below \/srv\/abc$/, path);
      assert.match(
        refuseCreate(policy, host({ Mounts: [{ Type: 'bind', Source: path, Target: '/x' }] })) ?? '',
        /may have paths below/,
        path,
      );
    }
    for (const path of ['/srv/abc/{{index .Service.Labels "x"}}', '/srv/abc/./../x'])
      assert.match(refuseCreate(policy, host({ Mounts: [{ Type: 'bind', Source: path, Target: '/x' }] })) ?? '', /may have paths below/);
  });

  it('log drivers are those that are named: others send from the host’s network; options without a driver are those of none of them', () => {
    const of = (Type: string, Config: object = {}, policy = DEPLOYER_POLICY) => refuseCreate(policy, host({ LogConfig: { Type, Config } }));
    for (const [driver, options] of [
      ['', {}],
      ['', { 'max-size': '10m', tag: 'x' }],
      ['json-file', { 'max-file': '3' }],
      ['none', {}],
    ] as const)
      assert.equal(of(driver, options), undefined, driver);
    assert.equal(of('gelf'), 'HostConfig.LogConfig has the driver "gelf", and may have json-file, local, journald, none');
    assert.match(of('', { 'gelf-address': 'udp://127.0.0.1:1' }) ?? '', /has the option "gelf-address" of no driver: name the driver$/);
    assert.equal(of('gelf', { 'gelf-address': 'udp://log:1' }, { ...DEPLOYER_POLICY, logDrivers: ['gelf'] }), undefined);
  });

  it('sysctls are those that are named where they are a link’s, too, at the create and when it joins a network', () => {
    const DriverOpts = { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.proxy_arp=1' };
    const NetworkingConfig = { EndpointsConfig: { abc_net: null, abc_default: { DriverOpts } } } as unknown as NonNullable<
      CreateRequest['NetworkingConfig']
    >;
    assert.equal(
      refuseCreate(DEPLOYER_POLICY, { Image: 'web', NetworkingConfig }),
      'NetworkingConfig has the sysctl "net.ipv4.conf.IFNAME.log_martians", and may have none',
    );
    const some = { ...DEPLOYER_POLICY, sysctls: ['net.ipv4.conf.IFNAME.log_martians'] };
    assert.match(refuseConnect(some, { DriverOpts }) ?? '', /^EndpointConfig has the sysctl "net\.ipv4\.conf\.IFNAME\.proxy_arp"/);
    assert.equal(refuseConnect({ sysctls: ['any'] }, { DriverOpts }), undefined);
    assert.equal(refuseConnect(DEPLOYER_POLICY, { Aliases: ['x'] }), undefined);
    assert.equal(refuseConnect(DEPLOYER_POLICY, undefined), undefined);
  });

  it('a maximum of memory and of CPUs is one however it is written, and no limit is more than any', () => {
    const policy: Policy = { ...DEPLOYER_POLICY, memoryBytes: 1000, cpus: 2 };
    const fits = { Memory: 1000, NanoCpus: 2e9 };
    const refused: readonly (readonly [object, string])[] = [
      [{ ...fits, Memory: 1001 }, 'HostConfig.Memory is 1001, and may be at most 1000'],
      [{ NanoCpus: 1e9 }, 'HostConfig.Memory is not given, and may be at most 1000'],
      [{ ...fits, Memory: -1 }, 'HostConfig.Memory is not given, and may be at most 1000'],
      [{ Memory: 1000 }, 'HostConfig.NanoCpus is not given, and may be at most 2000000000'],
      [{ Memory: 1000, CpuQuota: -1 }, 'HostConfig.NanoCpus is not given, and may be at most 2000000000'],
      [{ ...fits, NanoCpus: 3e9 }, 'HostConfig.NanoCpus is 3000000000, and may be at most 2000000000'],
      [{ Memory: 1000, CpuQuota: 300_000 }, 'HostConfig.CpuQuota is 300000, and may be at most 2 of CpuPeriod'],
      [{ Memory: 1000, CpuQuota: 30_000, CpuPeriod: 10_000 }, 'HostConfig.CpuQuota is 30000, and may be at most 2 of CpuPeriod'],
      [{ ...fits, MemorySwap: -1 }, 'HostConfig.MemorySwap is -1, and may not be without a limit'],
    ];
    for (const [given, problem] of refused) assert.equal(refuseCreate(policy, host(given)), problem, JSON.stringify(given));
    assert.equal(refuseCreate(policy, host(fits)), undefined);
    assert.equal(refuseCreate(policy, host({ Memory: 1, CpuQuota: 200_000 })), undefined);
    // what is 0 stays as it is
    assert.equal(refuseUpdate(policy, { RestartPolicy: { Name: 'no' }, Memory: 0, NanoCpus: 0 }), undefined);
    assert.equal(refuseUpdate(policy, { NanoCpus: 3e9 }), 'NanoCpus is 3000000000, and may be at most 2000000000');
    assert.match(refuseUpdate(policy, { Memory: -1 }) ?? '', /^Memory is -1/);
    for (const half of [{ CpuQuota: -1 }, { CpuPeriod: 1000 }, { CpuQuota: 1000 }])
      assert.match(refuseUpdate(policy, half) ?? '', /^CpuQuota is .*a CpuPeriod that is given with it$/, JSON.stringify(half));
  });

  it('registries and labels are those that are named; an image without a registry that is here is pulled from nowhere', () => {
    const policy: Policy = { ...DEPLOYER_POLICY, registries: ['corp:5000'], labels: ['arpanet.re*', 'arpanet.dns'] };
    const of = (Image: string, Labels = {}) =>
      refuseCreate(policy, { Image, Labels }, (image) => image === 'built' || image === 'evil.example/x');
    assert.equal(of('corp:5000/web:1'), undefined);
    assert.equal(of('built'), undefined);
    for (const image of ['nginx', 'docker.io/built', 'evil.example/x', 'corp:5001/web', 'corp/web'])
      assert.match(of(image) ?? '', /^Image is ".*, and may be of corp:5000$/, image);
    assert.match(refuseBuild(policy, new URLSearchParams('t=a')) ?? '', /Dockerfile/);
    assert.equal(of('built', { 'arpanet.reserve': 'cpus=1', 'arpanet.dns': 'running', mine: 'x' }), undefined);
    assert.equal(of('built', { 'arpanet.hooks': '{}' }), 'Labels has "arpanet.hooks", and may have arpanet.re*, arpanet.dns of arpanet\'s');
  });

  it('each rule can be opened, by what it names alone; operators have those that were set for them, and nothing else', () => {
    const open = policyFor('deployer', {
      privileged: true,
      hostNamespaces: ['network'],
      capAdd: ['SYS_ADMIN'],
      devices: ['/dev/fuse', '/dev/dri'],
      securityOpt: ['seccomp=unconfined'],
      sysctls: ['net.core.somaxconn'],
      binds: ['/srv'],
    });
    assert.ok(open);
    const device = (PathOnHost: string) => host({ Devices: [{ PathOnHost, PathInContainer: '/x', CgroupPermissions: 'r' }] });
    const passes = [
      host({ Privileged: true, NetworkMode: 'host', CapAdd: ['CAP_SYS_ADMIN'], SecurityOpt: ['seccomp=unconfined'], Binds: ['/srv/x:/x'] }),
      host({ Sysctls: { 'net.core.somaxconn': '1' } }),
      device('/dev/fuse'),
      device('/dev/dri/card0'),
    ];
    for (const request of passes) assert.equal(refuseCreate(open, request), undefined, JSON.stringify(request));
    const refused = [host({ PidMode: 'host' }), host({ CapAdd: ['SYS_PTRACE'] }), device('/dev/driver'), device('/dev/dri/../sda')];
    for (const request of refused) assert.match(refuseCreate(open, request) ?? '', /^HostConfig\./, JSON.stringify(request));
    assert.equal(refuseExec(open, { Privileged: true }), undefined);
    for (const role of ['viewer', 'admin', 'operator'] as const) assert.equal(policyFor(role, undefined), undefined);
    const operator = policyFor('operator', { privileged: false });
    assert.ok(operator);
    assert.equal(refuseCreate(operator, { ...host({ PidMode: 'host', Binds: ['/:/x'], OfNextYear: 1 }), OfNextYear: 1 }), undefined);
    assert.match(refuseCreate(operator, host({ Privileged: true })) ?? '', /^HostConfig\.Privileged is true/);
    // as Engines before 23.0 read it
    assert.match(refuseCreate(operator, { Image: 'web', Privileged: true }) ?? '', /^Privileged is true/);
    assert.match(refuseBuildKit(operator) ?? '', /BuildKit/);
    assert.equal(refuseBuildKit({ ...operator, privileged: true }), undefined);
  });

  it('execs, volumes, networks and builds have the same way out closed', () => {
    assert.match(refuseExec(DEPLOYER_POLICY, { Cmd: ['sh'], Privileged: true }) ?? '', /^Privileged is true/);
    assert.equal(refuseExec(DEPLOYER_POLICY, { Cmd: ['sh'], Privileged: false }), undefined);
    assert.match(refuseVolume(DEPLOYER_POLICY, 'local', { type: 'none', device: '/', o: 'bind' }) ?? '', /^Driver or DriverOpts/);
    assert.match(refuseVolume(DEPLOYER_POLICY, 'sshfs', {}) ?? '', /may be local$/);
    assert.equal(refuseVolume(DEPLOYER_POLICY, undefined, {}), undefined);
    for (const driver of ['macvlan', 'ipvlan', 'host', 'null'])
      assert.match(refuseNetwork(DEPLOYER_POLICY, driver, {}) ?? '', /^Driver is/);
    assert.match(refuseNetwork(DEPLOYER_POLICY, 'bridge', { parent: 'eth0' }) ?? '', /^Options has "parent"/);
    assert.equal(refuseNetwork(DEPLOYER_POLICY, 'overlay', { encrypted: '' }), undefined);
    assert.match(refuseBuild(DEPLOYER_POLICY, new URLSearchParams('t=a&networkmode=host')) ?? '', /^networkmode is "host"/);
    assert.match(refuseBuild(DEPLOYER_POLICY, new URLSearchParams('t=a&cgroupparent=/')) ?? '', /^cgroupparent/);
    assert.match(refuseBuild(DEPLOYER_POLICY, new URLSearchParams('t=a&securityopt=["seccomp=unconfined"]')) ?? '', /^securityopt/);
    assert.equal(
      refuseBuild(DEPLOYER_POLICY, new URLSearchParams('t=a&networkmode=default&cgroupparent=&ulimits=null&version=2&session=x')),
      undefined,
    );
    const hooks = { 'arpanet.hooks': '{"post_start":[{"command":["x"],"privileged":true}]}' };
    assert.match(refuseCreate(DEPLOYER_POLICY, { Image: 'web', Labels: hooks }) ?? '', /privileged command/);
  });
});
