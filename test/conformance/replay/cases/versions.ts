/** What older clients are told: the versions that compose 1, fig-era clients and their like speak, and no version at all. */
import type { Case, Session } from '../session.ts';

const VERSIONS = ['1.24', '1.25', '1.28', '1.32', '1.38', '1.40', '1.41'] as const;

/** Types in place of values. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shape(one)]));
}

const filters = (value: unknown): string => encodeURIComponent(JSON.stringify(value));
/** Values of a list of hosts are not those of one. */
const OF_MACHINES = ['DriverStatus', 'Swarm', 'Plugins', 'Runtimes', 'SecurityOptions', 'Warnings', 'RegistryConfig', 'Labels'];

async function infoAt(s: Session, prefix: string): Promise<void> {
  const { json } = await s.quiet(`GET ${prefix}/info`);
  const told = Object.entries(json as Record<string, unknown>).map(([name, value]) => [
    name,
    OF_MACHINES.includes(name) ? true : shape(value),
  ]);
  s.note(`info ${prefix}`, 'GET /info', Object.fromEntries(told));
}

export const cases: readonly Case[] = [
  {
    name: 'older versions of the API',
    async run(s) {
      await s.quiet('POST /volumes/create', { Name: 'aged-vol' });
      await s.quiet('POST /networks/create', { Name: 'aged-net', IPAM: { Config: [{ Subnet: '100.66.1.0/24' }] } });
      const HostConfig = { NetworkMode: 'aged-net', Binds: ['aged-vol:/data'], PortBindings: { '80/tcp': [{ HostPort: '18380' }] } };
      await s.up('aged', { ExposedPorts: { '80/tcp': {} }, HostConfig });
      const mine = filters({ name: ['aged'] });
      for (const version of VERSIONS) {
        const at = `/v${version}`;
        await s.ask(`inspect ${version}`, `GET ${at}/containers/aged/json`);
        await s.ask(`list ${version}`, `GET ${at}/containers/json?filters=${mine}`);
        await s.ask(`image ${version}`, `GET ${at}/images/busybox/json`);
        await s.ask(`images ${version}`, `GET ${at}/images/json?filters=${filters({ reference: ['busybox'] })}`);
        await s.ask(`history ${version}`, `GET ${at}/images/busybox/history`);
        await s.ask(`network ${version}`, `GET ${at}/networks/aged-net`);
        await s.ask(`networks ${version}`, `GET ${at}/networks?filters=${filters({ name: ['aged-net'] })}`);
        await s.ask(`volume ${version}`, `GET ${at}/volumes/aged-vol`);
        await s.ask(`volumes ${version}`, `GET ${at}/volumes?filters=${filters({ name: ['aged-vol'] })}`);
        await infoAt(s, at);
        const { json } = await s.quiet(`GET ${at}/version`);
        s.note(`version ${version}`, 'GET /version', shape(json));
        const df = await s.quiet(`GET ${at}/system/df`, undefined, { tolerant: true });
        s.note(`df ${version}`, 'GET /system/df', { status: df.status, fields: Object.keys(df.json ?? {}).toSorted() });
        await s.ask(`unknown ${version}`, `GET ${at}/containers/nobody/json`);
        await s.ask(`no page ${version}`, `GET ${at}/nothing`);
        await s.ask(`ping ${version}`, `GET ${at}/_ping`);
      }
    },
  },
  {
    name: 'older versions: what they create and ask',
    async run(s) {
      for (const version of ['1.24', '1.30', '1.40'] as const) {
        const at = `/v${version}`;
        const name = `elder-${version.replace('.', '-')}`;
        const image = { Image: 'busybox', Cmd: ['sleep', '600'] };
        await s.ask(`create ${version}`, `POST ${at}/containers/create?name=${name}`, { ...image, HostConfig: { Memory: 64 << 20 } });
        await s.ask(`start with HostConfig ${version}`, `POST ${at}/containers/${name}/start`, { Dns: ['192.0.2.1'] });
        await s.ask(`start ${version}`, `POST ${at}/containers/${name}/start`);
        const waiting = s.ask(`wait ${version}`, `POST ${at}/containers/${name}/wait`);
        await s.ask(`pause ${version}`, `POST ${at}/containers/${name}/pause`);
        await s.ask(`unpause ${version}`, `POST ${at}/containers/${name}/unpause`);
        await s.ask(`update ${version}`, `POST ${at}/containers/${name}/update`, { CpuShares: 300 });
        const exec = await s.ask(`exec ${version}`, `POST ${at}/containers/${name}/exec`, {
          Cmd: ['echo', 'x'],
          AttachStdout: true,
          Env: ['A=b'],
          WorkingDir: '/tmp',
        });
        const { Id } = (exec.json ?? {}) as { Id?: string };
        if (Id !== undefined) {
          s.know(`exec-${version}`, Id);
          await s.ask(`exec start ${version}`, `POST ${at}/exec/${Id}/start`, { Detach: false });
          await s.ask(`exec inspect ${version}`, `GET ${at}/exec/${Id}/json`);
        }
        await s.ask(`resize ${version}`, `POST ${at}/containers/${name}/resize?h=10&w=10`);
        await s.ask(`logs ${version}`, `GET ${at}/containers/${name}/logs?stdout=1`);
        await s.ask(`kill ${version}`, `POST ${at}/containers/${name}/kill`);
        await waiting;
        await s.ask(`commit ${version}`, `POST ${at}/commit?container=${name}&repo=aged/made&tag=${version}`, {});
        await s.ask(`build ${version}`, `POST ${at}/build?t=aged/built`, '', { headers: { 'Content-Type': 'application/x-tar' } });
        await s.ask(`prune ${version}`, `POST ${at}/containers/prune?filters=${filters({ label: ['nothing'] })}`);
        await s.ask(`rmi ${version}`, `DELETE ${at}/images/aged/made:${version}`);
        await s.ask(`volume ${version}`, `POST ${at}/volumes/create`, { Name: `${name}-vol` });
        await s.ask(`network ${version}`, `POST ${at}/networks/create`, { Name: `${name}-net` });
        await s.ask(`connect ${version}`, `POST ${at}/networks/${name}-net/connect`, { Container: name });
        await s.ask(`disconnect ${version}`, `POST ${at}/networks/${name}-net/disconnect`, { Container: name });
        await s.ask(`network rm ${version}`, `DELETE ${at}/networks/${name}-net`);
        await s.ask(`volume rm ${version}`, `DELETE ${at}/volumes/${name}-vol`);
        await s.ask(`platform ${version}`, `POST ${at}/containers/create?name=${name}-p&platform=linux/amd64`, image);
        await s.ask(`rm ${version}`, `DELETE ${at}/containers/${name}?v=1`);
        await s.ask(`session ${version}`, `POST ${at}/session`);
        await s.ask(`distribution ${version}`, `GET ${at}/distribution/UPPER/json`);
        const { status } = await s.quiet(`HEAD ${at}/containers/${name}-p/archive?path=/etc`, undefined, { tolerant: true });
        s.note(`head archive ${version}`, 'HEAD /containers/{id}/archive', status);
      }
    },
  },
  {
    name: 'no version at all',
    async run(s) {
      await s.up('plain-one');
      const ask = async (label: string, method: string, path: string): Promise<void> => {
        const route = path.replace(/\?.*/, '').replace(/(?<=^\/containers\/)[a-z]+-?[a-z]+(?=\/|$)(?<!json)/, '{id}');
        s.note(label, `${method} ${route}`, await s.unversioned(method, path));
      };
      await ask('inspect', 'GET', '/containers/plain-one/json');
      await ask('list', 'GET', `/containers/json?filters=${filters({ name: ['plain-one'] })}`);
      await ask('image', 'GET', '/images/busybox/json');
      await ask('networks', 'GET', `/networks?filters=${filters({ name: ['none'] })}`);
      await ask('volumes', 'GET', `/volumes?filters=${filters({ name: ['nothing'] })}`);
      await ask('unknown', 'GET', '/containers/nobody/json');
      await ask('no page', 'GET', '/nothing');
      await ask('stop', 'POST', '/containers/plain-one/kill');
      await ask('rm', 'DELETE', '/containers/plain-one');
    },
  },
];
