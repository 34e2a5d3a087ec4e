/** Options one by one: what create says, what inspect shows, what the container sees of it. And lives that end by themselves. */
import type { Case } from '../session.ts';

/** Each is one HostConfig. */
const HOST_CONFIGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'bind read-only and propagated': { Binds: ['/tmp:/t:ro,rslave'] },
  'bind mount': { Mounts: [{ Type: 'bind', Source: '/tmp', Target: '/t', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } }] },
  'volume without copy': { Binds: ['opted-one:/t:nocopy'] },
  'volume mount': {
    Mounts: [{ Type: 'volume', Source: 'opted-two', Target: '/t', VolumeOptions: { NoCopy: true, DriverConfig: { Name: 'local' } } }],
  },
  'anonymous volume mount': { Mounts: [{ Type: 'volume', Target: '/t' }] },
  'tmpfs mount': { Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 65536, Mode: 448 } }] },
  tmpfs: { Tmpfs: { '/t': 'size=65536,mode=700' } },
  'driver local': { LogConfig: { Type: 'local', Config: {} } },
  'driver none': { LogConfig: { Type: 'none' } },
  'log options': { LogConfig: { Type: 'json-file', Config: { 'max-size': '10k', 'max-file': '3', labels: 'a' } } },
  'unknown log driver': { LogConfig: { Type: 'what' } },
  'unknown log option': { LogConfig: { Type: 'json-file', Config: { what: 'x' } } },
  'ipc shareable': { IpcMode: 'shareable' },
  'ipc host': { IpcMode: 'host' },
  'ipc none': { IpcMode: 'none' },
  'uts host': { UTSMode: 'host' },
  'userns host': { UsernsMode: 'host' },
  'cgroupns host': { CgroupnsMode: 'host' },
  privileged: { Privileged: true },
  'security options': { SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined', 'no-new-privileges:true'] },
  'bad security option': { SecurityOpt: ['what'] },
  'all capabilities': { CapAdd: ['ALL'], CapDrop: ['CAP_NET_RAW'] },
  'hosts file': { ExtraHosts: ['a:192.0.2.1', 'b:host-gateway'] },
  groups: { GroupAdd: ['audio', '1234'] },
  'oom and swappiness': { OomKillDisable: true, MemorySwappiness: 10, Memory: 64 << 20 },
  'swap without memory': { MemorySwap: 64 << 20 },
  'swap less than memory': { Memory: 64 << 20, MemorySwap: 32 << 20 },
  'reservation above memory': { Memory: 64 << 20, MemoryReservation: 128 << 20 },
  'nano cpus': { NanoCpus: 500_000_000 },
  'nano cpus and quota': { NanoCpus: 500_000_000, CpuQuota: 50_000 },
  'short period': { CpuPeriod: 10 },
  'no such cpu': { CpusetCpus: '99' },
  'block weights': { BlkioWeight: 300, BlkioWeightDevice: [{ Path: '/dev/null', Weight: 200 }] },
  'bad block weight': { BlkioWeight: 5 },
  'block rates': { BlkioDeviceReadBps: [{ Path: '/dev/null', Rate: 1024 }] },
  'process limit': { PidsLimit: -1 },
  'oom score too high': { OomScoreAdj: 2000 },
  sysctls: { Sysctls: { 'net.core.somaxconn': '512' } },
  'storage option': { StorageOpt: { size: '1G' } },
  'unknown device': { Devices: [{ PathOnHost: '/dev/nothing', PathInContainer: '/dev/x', CgroupPermissions: 'r' }] },
  'device request': { DeviceRequests: [{ Driver: 'what', Count: 1, Capabilities: [['gpu']] }] },
  'restart on failure': { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
  'retries where none are': { RestartPolicy: { Name: 'always', MaximumRetryCount: 2 } },
  'negative retries': { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } },
  'unless stopped': { RestartPolicy: { Name: 'unless-stopped' } },
  annotations: { Annotations: { a: 'b' } },
  isolation: { Isolation: 'default' },
  'bad isolation': { Isolation: 'hyperv' },
  'volume driver': { VolumeDriver: 'what', Binds: ['opted-three:/t'] },
  'legacy links in a network': { NetworkMode: 'bridge', Links: ['opted:x'] },
  'an unknown cgroup parent': { CgroupParent: '/what' },
  'port of a container network': { NetworkMode: 'container:opted', PortBindings: { '80/tcp': [{ HostPort: '1' }] } },
  'host network and ports': { NetworkMode: 'host', PortBindings: { '80/tcp': [{ HostPort: '1' }] } },
  'dns in host': { NetworkMode: 'host', Dns: ['192.0.2.1'] },
};

/** Each is a container that says something and ends. */
const SAYING: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  environment: { Env: ['A=1', 'B=ä'], Cmd: ['sh', '-c', 'echo $A $B; exit 4'] },
  user: { User: '7:8', Cmd: ['id'] },
  'working directory': { WorkingDir: '/a/b', Cmd: ['pwd'] },
  hostname: { Hostname: 'called', Domainname: 'so.example', Cmd: ['hostname'] },
  'limits of files': { Cmd: ['sh', '-c', 'ulimit -n'], HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 500, Hard: 600 }] } },
  'an init': { Cmd: ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline'], HostConfig: { Init: true } },
  'a read-only root': { Cmd: ['sh', '-c', 'echo x 2> /dev/null > /x || echo refused'], HostConfig: { ReadonlyRootfs: true } },
  'an extra host': { Cmd: ['grep', 'friend', '/etc/hosts'], HostConfig: { ExtraHosts: ['friend:192.0.2.9'] } },
  'no network': { Cmd: ['ls', '/sys/class/net'], HostConfig: { NetworkMode: 'none' } },
  'no such user': { User: 'nobody-there', Cmd: ['true'] },
  'no such directory to run': { Cmd: ['/not/there'] },
  'not to be executed': { Cmd: ['/etc/passwd'] },
  'no such shell': { Entrypoint: ['/bin/what'], Cmd: ['x'] },
};

export const cases: readonly Case[] = [
  {
    name: 'options one by one',
    async run(s) {
      await s.create('opted');
      for (const [label, HostConfig] of Object.entries(HOST_CONFIGS)) {
        const name = `opted-${label.replaceAll(' ', '-')}`;
        const made = await s.ask(`create: ${label}`, `POST /containers/create?name=${name}`, {
          Image: 'busybox',
          Cmd: ['true'],
          HostConfig,
        });
        if (made.status !== 201) continue;
        const { json } = await s.quiet(`GET /containers/${name}/json`);
        const { HostConfig: kept, Mounts } = json as Record<string, unknown>;
        s.note(`inspect: ${label}`, 'GET /containers/{id}/json', { HostConfig: kept, Mounts });
      }
    },
  },
  {
    name: 'what a container sees',
    async run(s) {
      for (const [label, config] of Object.entries(SAYING)) {
        const name = `saying-${label.replaceAll(' ', '-')}`;
        await s.quiet(`POST /containers/create?name=${name}`, { Image: 'busybox', ...config });
        await s.ask(`start: ${label}`, `POST /containers/${name}/start`);
        await s.ask(`wait: ${label}`, `POST /containers/${name}/wait`);
        await s.ask(`logs: ${label}`, `GET /containers/${name}/logs?stdout=1&stderr=1`);
        const { json } = await s.quiet(`GET /containers/${name}/json`);
        const { Status, ExitCode, Error: error, OOMKilled } = (json as { State: Record<string, unknown> }).State;
        s.note(`state: ${label}`, 'GET /containers/{id}/json', { Status, ExitCode, error, OOMKilled });
      }
    },
  },
  {
    name: 'restarts and removal by themselves',
    async run(s) {
      await s.up('fails', { Cmd: ['sh', '-c', 'exit 3'], HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } } });
      const state = async (name: string): Promise<{ Status: string; ExitCode: number; RestartCount: number; Running: boolean }> => {
        const { json } = await s.quiet(`GET /containers/${name}/json`);
        const { State, RestartCount } = json as { State: { Status: string; ExitCode: number; Running: boolean }; RestartCount: number };
        return { Status: State.Status, ExitCode: State.ExitCode, Running: State.Running, RestartCount };
      };
      await s.until('two retries', async () => (await state('fails')).RestartCount === 2 && (await state('fails')).Status === 'exited');
      s.note('on-failure, in the end', 'GET /containers/{id}/json', await state('fails'));
      await s.up('always', {
        HostConfig: { RestartPolicy: { Name: 'always' } },
        Cmd: ['sh', '-c', 'trap "exit 0" TERM; sleep 600 & wait'],
      });
      const { json } = await s.quiet('GET /containers/always/json');
      const { Pid } = (json as { State: { Pid: number } }).State;
      const exec = await s.quiet('POST /containers/always/exec', { Cmd: ['kill', '1'] });
      await s.quiet(`POST /exec/${(exec.json as { Id: string }).Id}/start`, { Detach: true });
      await s.until('another life', async () => {
        const now = (await s.quiet('GET /containers/always/json')).json as { State: { Pid: number; Running: boolean } };
        return now.State.Running && now.State.Pid !== Pid;
      });
      await s.until('running', async () => (await state('always')).Status === 'running');
      s.note('always, restarted', 'GET /containers/{id}/json', await state('always'));
      await s.ask('stop ends it', 'POST /containers/always/stop?t=2');
      s.note('always, stopped', 'GET /containers/{id}/json', { Running: (await state('always')).Running });
      await s.up('brief', { Cmd: ['true'], HostConfig: { AutoRemove: true, Binds: ['brief-named:/n'] }, Volumes: { '/a': {} } });
      await s.until('its end', async () => (await s.quiet('GET /containers/brief/json', undefined, { tolerant: true })).status === 404);
      await s.ask('its named volume stays', 'GET /volumes/brief-named');
      await s.up('self-removing', { HostConfig: { AutoRemove: true } });
      await s.ask('stop one that removes itself', 'POST /containers/self-removing/stop?t=0');
      await s.until(
        'its end',
        async () => (await s.quiet('GET /containers/self-removing/json', undefined, { tolerant: true })).status === 404,
      );
      await s.ask('create under its name', 'POST /containers/create?name=self-removing', { Image: 'busybox' });
    },
  },
  {
    name: 'health',
    async run(s) {
      const Healthcheck = { Test: ['CMD-SHELL', 'test -e /ok'], Interval: 300_000_000, Timeout: 2_000_000_000, Retries: 2 };
      await s.up('patient', { Healthcheck });
      const health = async (): Promise<string> =>
        ((await s.quiet('GET /containers/patient/json')).json as { State: { Health: { Status: string } } }).State.Health.Status;
      await s.until('unhealthy', async () => (await health()) === 'unhealthy');
      const exec = await s.quiet('POST /containers/patient/exec', { Cmd: ['touch', '/ok'] });
      await s.quiet(`POST /exec/${(exec.json as { Id: string }).Id}/start`, { Detach: true });
      await s.until('healthy', async () => (await health()) === 'healthy');
      const { json } = await s.quiet('GET /containers/patient/json');
      const { Health } = (json as { State: { Health: { Log: readonly { ExitCode: number; Output: string }[] } } }).State;
      s.note('its log', 'GET /containers/{id}/json', { last: Health.Log.at(-1)?.ExitCode, count: Health.Log.length <= 5 });
      await s.quiet('POST /containers/patient/kill');
      await s.until('its end', async () => (await health()) !== 'healthy');
      s.note('after its end', 'GET /containers/{id}/json', await health());
      await s.up('unchecked', { Healthcheck: { Test: ['NONE'] } });
      await s.ask('checks turned off', 'GET /containers/unchecked/json');
    },
  },
];
