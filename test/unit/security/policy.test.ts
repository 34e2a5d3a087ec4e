import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DOCKER_TYPES, goStruct } from '../../../src/docker-json/index.ts';
import type { CreateRequest } from '../../../src/model/index.ts';
import { parseGoJson } from '../../../src/schemas/index.ts';
import {
  DEPLOYER_POLICY,
  refuseBuild,
  refuseCreate,
  refuseExec,
  refuseHostConfig,
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
      fc.property(cases, fc.constantFrom(...WRAPPERS), ({ key, outer, name, value, where }, wrapper) => {
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
        const problem = refuseCreate(DEPLOYER_POLICY, read);
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
    const silent = fields.filter((name) => refuseHostConfig(DEPLOYER_POLICY, { [name]: { newer: ['thing'] } }) === undefined);
    const known =
      'Binds ' +
      'PortBindings LogConfig RestartPolicy AutoRemove VolumesFrom ConsoleSize CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links PublishAllPorts ReadonlyRootfs Tmpfs ShmSize Init CpuShares CpuPeriod CpuQuota CpusetCpus CpusetMems BlkioWeight KernelMemory KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth NetworkMode PidMode IpcMode UTSMode UsernsMode CgroupnsMode Memory NanoCpus OomScoreAdj'.split(
        ' ',
      );
    assert.deepEqual(
      silent.filter((name) => !known.includes(name)),
      [],
    );
    assert.equal(refuseHostConfig(DEPLOYER_POLICY, { OfNextYear: 'x' }), 'OfNextYear is "x", and may not be given');
    assert.match(refuseCreate(DEPLOYER_POLICY, { Image: 'web', OfNextYear: true }) ?? '', /^OfNextYear/);
  });

  it('binds are below named paths only, and never by way of ..', () => {
    const policy = { ...DEPLOYER_POLICY, bindPrefixes: ['/srv/abc'], memoryMaxBytes: 1000, cpusMax: 2 };
    for (const path of ['/srv/abc', '/srv/abc/data']) assert.equal(refuseCreate(policy, host({ Binds: [`${path}:/x`] })), undefined);
    for (const path of ['/srv/abcd', '/srv', '/srv/abc/../../etc', '/srv/abc/..', '/']) {
      assert.match(refuseCreate(policy, host({ Binds: [`${path}:/x`] })) ?? '', /may have paths below \/srv\/abc$/, path);
      assert.match(
        refuseCreate(policy, host({ Mounts: [{ Type: 'bind', Source: path, Target: '/x' }] })) ?? '',
        /may have paths below/,
        path,
      );
    }
    assert.equal(refuseCreate(policy, host({ Memory: 1001 })), 'HostConfig.Memory is 1001, and may be at most 1000');
    assert.equal(refuseHostConfig(policy, { NanoCpus: 3e9 }), 'NanoCpus is 3000000000, and may be at most 2000000000');
  });

  it('execs, volumes, networks and builds have the same way out closed', () => {
    assert.match(refuseExec({ Cmd: ['sh'], Privileged: true }) ?? '', /^Privileged is true/);
    assert.equal(refuseExec({ Cmd: ['sh'], Privileged: false }), undefined);
    assert.match(refuseVolume('local', { type: 'none', device: '/', o: 'bind' }) ?? '', /^Driver or DriverOpts/);
    assert.match(refuseVolume('sshfs', {}) ?? '', /may be local$/);
    assert.equal(refuseVolume(undefined, {}), undefined);
    for (const driver of ['macvlan', 'ipvlan', 'host', 'null']) assert.match(refuseNetwork(driver, {}) ?? '', /^Driver is/);
    assert.match(refuseNetwork('bridge', { parent: 'eth0' }) ?? '', /^Options has "parent"/);
    assert.equal(refuseNetwork('overlay', { encrypted: '' }), undefined);
    assert.match(refuseBuild(new URLSearchParams('t=a&networkmode=host')) ?? '', /^networkmode is "host"/);
    assert.match(refuseBuild(new URLSearchParams('t=a&cgroupparent=/')) ?? '', /^cgroupparent/);
    assert.match(refuseBuild(new URLSearchParams('t=a&securityopt=["seccomp=unconfined"]')) ?? '', /^securityopt/);
    assert.equal(refuseBuild(new URLSearchParams('t=a&networkmode=default&cgroupparent=&ulimits=null&version=2&session=x')), undefined);
    const hooks = { 'arpanet.hooks': '{"post_start":[{"command":["x"],"privileged":true}]}' };
    assert.match(refuseCreate(DEPLOYER_POLICY, { Image: 'web', Labels: hooks }) ?? '', /privileged command/);
  });
});
