/** What create takes, what it refuses, and what inspect then says. */
import type { Case, Session } from '../session.ts';

const image = { Image: 'busybox', Cmd: ['sleep', '600'] } as const;

/** Creates under this name and looks at what came of it. */
async function made(s: Session, label: string, config: Readonly<Record<string, unknown>>): Promise<void> {
  const name = label.replace(/[^a-z0-9]+/gi, '-').toLowerCase();
  const created = await s.ask(`create: ${label}`, `POST /containers/create?name=${name}`, { ...image, ...config });
  if (created.status === 201) await s.ask(`inspect: ${label}`, `GET /containers/${name}/json`);
}

/** One value for every field that an Engine on any machine takes. */
const HOST_CONFIG: Readonly<Record<string, unknown>> = {
  Binds: ['/tmp:/host-tmp:ro', 'named:/named'],
  ContainerIDFile: '',
  LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
  RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
  AutoRemove: false,
  VolumeDriver: '',
  CapAdd: ['NET_ADMIN'],
  CapDrop: ['MKNOD'],
  CgroupnsMode: 'private',
  Dns: ['9.9.9.9'],
  DnsOptions: ['timeout:3'],
  DnsSearch: ['corp.example'],
  ExtraHosts: ['somewhere:192.0.2.7'],
  GroupAdd: ['7'],
  IpcMode: 'private',
  OomScoreAdj: 100,
  PidMode: 'host',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: true,
  SecurityOpt: ['no-new-privileges'],
  StorageOpt: {},
  Tmpfs: { '/run': 'rw,size=1m' },
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 1 << 20,
  Sysctls: { 'net.ipv4.ip_forward': '1' },
  Runtime: 'runc',
  ConsoleSize: [0, 0],
  Isolation: '',
  CpuShares: 512,
  Memory: 64 << 20,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  CpuPeriod: 100_000,
  CpuQuota: 50_000,
  CpusetCpus: '0',
  CpusetMems: '0',
  Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rwm' }],
  DeviceCgroupRules: ['c 1:3 mr'],
  DeviceRequests: null,
  MemoryReservation: 32 << 20,
  MemorySwap: 128 << 20,
  PidsLimit: 100,
  Ulimits: [{ Name: 'nofile', Hard: 2048, Soft: 1024 }],
  Init: true,
  Mounts: [
    { Type: 'volume', Source: 'other', Target: '/other', VolumeOptions: { Labels: { a: 'b' } } },
    { Type: 'tmpfs', Target: '/scratch', TmpfsOptions: { SizeBytes: 1 << 20 } },
  ],
  MaskedPaths: ['/proc/kcore'],
  ReadonlyPaths: ['/proc/bus'],
};

export const cases: readonly Case[] = [
  {
    name: 'create passes on what it is given',
    async run(s) {
      await made(s, 'plain', { HostConfig: {} });
      await made(s, 'config', {
        Hostname: 'a-host',
        Domainname: 'example.org',
        User: '7:7',
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
        OpenStdin: true,
        StdinOnce: true,
        Env: ['A=1', 'Ü=ä ö', 'EMPTY=', 'UNSET'],
        Cmd: ['echo', 'grüße'],
        Entrypoint: ['sh', '-c'],
        WorkingDir: '/somewhere/ünï',
        Labels: { plain: 'yes', 'with.dots': '', ключ: 'значение', emoji: '🐳' },
        StopSignal: 'SIGUSR1',
        StopTimeout: 3,
        Shell: ['/bin/sh', '-c'],
        Volumes: { '/data': {} },
        ExposedPorts: { '80/tcp': {}, '53/udp': {} },
        Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000, Timeout: 2_000_000_000, Retries: 3, StartPeriod: 1_000_000_000 },
        OnBuild: null,
        NetworkDisabled: false,
      });
      await made(s, 'every field of HostConfig', { HostConfig: HOST_CONFIG });
      await made(s, 'empty lists', { Cmd: [], Entrypoint: [], Env: [], Labels: {}, HostConfig: { Dns: [], DnsSearch: [], Binds: [] } });
      await made(s, 'null lists', {
        Entrypoint: null,
        Env: null,
        Labels: null,
        HostConfig: { Dns: null, Links: null },
        NetworkingConfig: null,
      });
      await made(s, 'unknown fields', { Nonsense: 1, HostConfig: { Rubbish: { a: [1] } } });
      await made(s, 'network none', { HostConfig: { NetworkMode: 'none' } });
      await made(s, 'network host', { HostConfig: { NetworkMode: 'host' } });
      await made(s, 'network bridge', { HostConfig: { NetworkMode: 'bridge' } });
      await made(s, 'network of another', { HostConfig: { NetworkMode: 'container:plain' } });
      await made(s, 'disabled network', { NetworkDisabled: true });
      await made(s, 'mac address', { MacAddress: '02:42:ac:11:00:99' });
      await made(s, 'volumes from', { HostConfig: { VolumesFrom: ['config:ro'] } });
      await made(s, 'links', { HostConfig: { Links: ['plain:friend'] } });
      await made(s, 'pid of another', { HostConfig: { PidMode: 'container:plain' } });
      await made(s, 'no command', { Cmd: undefined });
      await made(s, 'restart always', { HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } });
    },
  },
  {
    name: 'ports in all forms',
    async run(s) {
      const ports: Readonly<Record<string, Record<string, unknown>>> = {
        'any port': { '80/tcp': [{ HostPort: '' }] },
        'fixed port': { '80/tcp': [{ HostPort: '18080' }] },
        'port on an address': { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18081' }] },
        'port range': { '80/tcp': [{ HostPort: '18090-18090' }] },
        'udp port': { '53/udp': [{ HostPort: '18053' }] },
        'two ports': { '80/tcp': [{ HostPort: '18082' }, { HostPort: '18083' }] },
        'no protocol': { '80': [{ HostPort: '18084' }] },
        'empty list': { '80/tcp': [] },
        'null list': { '80/tcp': null },
        'zero port': { '80/tcp': [{ HostPort: '0' }] },
      };
      for (const [label, PortBindings] of Object.entries(ports)) {
        const name = label.replaceAll(' ', '-');
        const made = await s.ask(`create: ${label}`, `POST /containers/create?name=${name}`, {
          ...image,
          ExposedPorts: Object.fromEntries(Object.keys(PortBindings).map((port) => [port, {}])),
          HostConfig: { PortBindings },
        });
        if (made.status !== 201) continue;
        await s.ask(`start: ${label}`, `POST /containers/${name}/start`);
        await s.ask(`inspect: ${label}`, `GET /containers/${name}/json`);
        await s.ask(`list: ${label}`, `GET /containers/json?filters={"name":["${name}"]}`);
        await s.quiet(`DELETE /containers/${name}?force=1`);
      }
      await s.ask('create: publish all', 'POST /containers/create?name=all', {
        ...image,
        ExposedPorts: { '80/tcp': {}, '81/udp': {} },
        HostConfig: { PublishAllPorts: true },
      });
      await s.ask('start: publish all', 'POST /containers/all/start');
      await s.ask('inspect: publish all', 'GET /containers/all/json');
      await s.ask('bad port', 'POST /containers/create', { ...image, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 'x' }] } } });
      await s.ask('bad container port', 'POST /containers/create', {
        ...image,
        HostConfig: { PortBindings: { 'x/tcp': [{ HostPort: '1' }] } },
      });
      await s.ask('bad protocol', 'POST /containers/create', { ...image, HostConfig: { PortBindings: { '80/foo': [{ HostPort: '1' }] } } });
      await s.ask('port too high', 'POST /containers/create', {
        ...image,
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '70000' }] } },
      });
    },
  },
  {
    name: 'create refuses',
    async run(s) {
      const post = (label: string, body: unknown, query = '', headers: Record<string, string> = {}) =>
        s.ask(label, `POST /containers/create${query}`, body, { headers });
      const json = { 'Content-Type': 'application/json' };
      await post('no body', undefined);
      await post('empty body', '', '', json);
      await post('broken JSON', '{"Image":', '', json);
      await post('not JSON', 'Image=busybox', '', json);
      await post('an array', '[]', '', json);
      await post('a string', '"busybox"', '', json);
      await post('null', 'null', '', json);
      await post('wrong type', '{"Image": 7}', '', json);
      await post('wrong type deep', '{"Image":"busybox","HostConfig":{"Memory":"1g"}}', '', json);
      await post('trailing garbage', '{"Image":"busybox"} x', '', json);
      await post('other content type', '{"Image":"busybox"}', '', { 'Content-Type': 'text/plain' });
      await post('no image', { Cmd: ['true'] });
      await post('empty image', { Image: '' });
      await post('unknown image', { Image: 'nobody/has-this:1' });
      await post('bad image name', { Image: 'UPPER/Case' });
      await post('name too short', image, '?name=x');
      await post('name with space', image, '?name=a%20b');
      await post('name with slash in it', image, '?name=a/b');
      await post('name with leading slash', image, '?name=/slashed');
      await post('name taken', image, '?name=slashed');
      await post('name empty', image, '?name=');
      await post('name in UTF-8', image, '?name=gr%C3%BCn');
      await post('bad hostname', { ...image, Hostname: 'a_b!' });
      await post('bad env', { ...image, Env: ['=x'] });
      await post('bad workdir', { ...image, WorkingDir: 'relative' });
      await post('bad signal', { ...image, StopSignal: 'SIGWHAT' });
      await post('bad health', { ...image, Healthcheck: { Test: ['WHAT'] } });
      await post('health too quick', { ...image, Healthcheck: { Test: ['CMD', 'x'], Interval: 1 } });
      await post('bad restart', { ...image, HostConfig: { RestartPolicy: { Name: 'sometimes' } } });
      await post('restart and remove', { ...image, HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } });
      await post('little memory', { ...image, HostConfig: { Memory: 1024 } });
      await post('negative shm', { ...image, HostConfig: { ShmSize: -1 } });
      await post('bad mount', { ...image, HostConfig: { Mounts: [{ Type: 'what', Target: '/x' }] } });
      await post('mount without target', { ...image, HostConfig: { Mounts: [{ Type: 'volume', Source: 'v' }] } });
      await post('bad bind', { ...image, HostConfig: { Binds: ['a:b:c:d'] } });
      await post('bind relative target', { ...image, HostConfig: { Binds: ['v:relative'] } });
      await post('bind mount of nothing', { ...image, HostConfig: { Mounts: [{ Type: 'bind', Source: '/not/there', Target: '/x' }] } });
      await post('duplicate mount', { ...image, HostConfig: { Binds: ['v1:/x', 'v2:/x'] } });
      await post('bad network', { ...image, HostConfig: { NetworkMode: 'container:nobody' } });
      await post('unknown runtime', { ...image, HostConfig: { Runtime: 'what' } });
      await post('unknown capability', { ...image, HostConfig: { CapAdd: ['WHAT'] } });
      await post('bad link', { ...image, HostConfig: { Links: ['nobody:x'] } });
      await post('bad volumes from', { ...image, HostConfig: { VolumesFrom: ['nobody'] } });
      await post('bad extra host', { ...image, HostConfig: { ExtraHosts: ['x'] } });
      await post('bad dns', { ...image, HostConfig: { Dns: ['x'] } });
      await post('bad ipc', { ...image, HostConfig: { IpcMode: 'what' } });
      await post('bad pid', { ...image, HostConfig: { PidMode: 'what' } });
      await post('bad ulimit', { ...image, HostConfig: { Ulimits: [{ Name: 'what', Hard: 1, Soft: 1 }] } });
      await post('bad cpuset', { ...image, HostConfig: { CpusetCpus: 'x' } });
      await post('too many cpus', { ...image, HostConfig: { NanoCpus: 9_000_000_000_000 } });
      await post('unknown platform', image, '?platform=what/ever');
      const unknown = await s.ask('unknown network', 'POST /containers/create?name=lost', {
        ...image,
        HostConfig: { NetworkMode: 'nowhere' },
      });
      if (unknown.status === 201) await s.ask('start on unknown network', 'POST /containers/lost/start');
      const bad = await s.ask('unknown command', 'POST /containers/create?name=cannot', { Image: 'busybox', Cmd: ['/not/there'] });
      if (bad.status === 201) await s.ask('start unknown command', 'POST /containers/cannot/start');
      await s.ask('inspect after failed start', 'GET /containers/cannot/json');
    },
  },
];
