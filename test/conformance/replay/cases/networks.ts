/** Networks: create, inspect, connect, disconnect, list, remove, prune. Subnets are of 100.64/10: what they say is compared as it is. */
import type { Case, Session } from '../session.ts';

const filters = (value: unknown): string => encodeURIComponent(JSON.stringify(value));
const on = (network: string, more: object = {}) => ({ HostConfig: { NetworkMode: network }, ...more });

/** What a container has in its networks; the order of aliases is none. */
async function endpoints(s: Session, label: string, name: string): Promise<void> {
  const { json } = await s.quiet(`GET /containers/${name}/json`);
  const { NetworkSettings } = json as { NetworkSettings: { Networks: unknown } };
  s.note(label, 'GET /containers/{id}/json', NetworkSettings.Networks);
}

export const cases: readonly Case[] = [
  {
    name: 'networks: create and inspect',
    async run(s) {
      const make = async (label: string, config: Readonly<Record<string, unknown>>): Promise<void> => {
        const Name = `made-${label.replaceAll(' ', '-')}`;
        const made = await s.ask(`create: ${label}`, 'POST /networks/create', { Name, CheckDuplicate: true, ...config });
        if (made.status === 201) await s.ask(`inspect: ${label}`, `GET /networks/${Name}`);
      };
      const ipam = (...Config: readonly object[]) => ({ IPAM: { Driver: 'default', Config } });
      await make('plain', {});
      await make('own subnet', ipam({ Subnet: '100.64.1.0/24' }));
      await make('all of it', {
        Driver: 'bridge',
        ...ipam({
          Subnet: '100.64.2.0/24',
          IPRange: '100.64.2.128/25',
          Gateway: '100.64.2.1',
          AuxiliaryAddresses: { printer: '100.64.2.130' },
        }),
        Labels: { a: 'b', 'with.dots': '' },
        Options: { 'com.docker.network.bridge.enable_icc': 'true' },
        Attachable: true,
        EnableIPv6: false,
        Scope: 'local',
      });
      await make('internal', { Internal: true, ...ipam({ Subnet: '100.64.3.0/24' }) });
      await make('options of IPAM', { IPAM: { Driver: 'default', Options: { foo: 'bar' }, Config: [{ Subnet: '100.64.4.0/24' }] } });
      await make('null everywhere', { IPAM: null, Options: null, Labels: null });
      await make('unknown driver', { Driver: 'what' });
      await make('unknown IPAM driver', { IPAM: { Driver: 'what' } });
      await make('overlapping', ipam({ Subnet: '100.64.1.0/25' }));
      await make('no subnet', ipam({ Subnet: 'x' }));
      await make('subnet without mask', ipam({ Subnet: '100.64.9.0' }));
      await make('host bits', ipam({ Subnet: '100.64.9.7/24' }));
      await make('gateway outside', ipam({ Subnet: '100.64.10.0/24', Gateway: '100.64.11.1' }));
      await make('range outside', ipam({ Subnet: '100.64.12.0/24', IPRange: '100.64.13.0/25' }));
      await make('aux outside', ipam({ Subnet: '100.64.14.0/24', AuxiliaryAddresses: { a: '100.64.15.1' } }));
      await make('bad gateway', ipam({ Subnet: '100.64.16.0/24', Gateway: 'x' }));
      await make('bad option', { Options: { 'com.docker.network.driver.mtu': 'x' } });
      await make('host driver', { Driver: 'host' });
      await make('null driver', { Driver: 'null' });
      const post = (label: string, body: unknown, headers: Record<string, string> = {}) =>
        s.ask(label, 'POST /networks/create', body, { headers });
      await post('same name', { Name: 'made-plain', CheckDuplicate: true });
      await post('no name', {});
      await post('empty name', { Name: '' });
      await post('name with a slash', { Name: 'a/b' });
      await post('name with a space', { Name: 'a b' });
      for (const Name of ['bridge', 'host', 'none', 'default', 'container:x']) await post(`name ${Name}`, { Name, CheckDuplicate: true });
      await post('ingress', { Name: 'made-ingress', Ingress: true });
      await post('overlay', { Name: 'made-overlay', Driver: 'overlay' });
      await post('swarm scope', { Name: 'made-swarm', Scope: 'swarm' });
      await post('config only', { Name: 'made-config', ConfigOnly: true });
      await post('config from unknown', { Name: 'made-from', ConfigFrom: { Network: 'nobody' } });
      for (const reference of [
        'made-pla',
        'MADE-PLAIN',
        'nobody',
        'made-plain?verbose=1',
        'made-plain?scope=swarm',
        'made-plain?scope=local',
        'made-plain?verbose=x',
      ]) {
        const { status, json } = await s.quiet(`GET /networks/${reference}`, undefined, { tolerant: true });
        s.note(`find ${reference}`, 'GET /networks/{id}', { status, name: (json as { Name?: string }).Name ?? json });
      }
      const { Id } = (await s.quiet('GET /networks/made-plain')).json as { Id: string };
      for (const [label, reference] of [
        ['id', Id],
        ['short id', Id.slice(0, 12)],
        ['shorter id', Id.slice(0, 11)],
      ]) {
        const { status, json } = await s.quiet(`GET /networks/${reference}`, undefined, { tolerant: true });
        s.note(`find by ${label}`, 'GET /networks/{id}', { status, name: (json as { Name?: string }).Name ?? json });
      }
      for (const name of ['bridge', 'host', 'none']) {
        const { json } = await s.quiet(`GET /networks/${name}`);
        const { Containers: _, IPAM: _i, ...network } = json as Record<string, unknown>;
        s.note(`inspect ${name}`, 'GET /networks/{id}', network);
      }
    },
  },
  {
    name: 'networks: containers in them',
    async run(s) {
      await s.quiet('POST /networks/create', {
        Name: 'front',
        IPAM: { Config: [{ Subnet: '100.65.1.0/24', Gateway: '100.65.1.1', IPRange: '100.65.1.128/25' }] },
      });
      await s.quiet('POST /networks/create', { Name: 'back', IPAM: { Config: [{ Subnet: '100.65.2.0/24' }] } });
      await s.quiet('POST /networks/create', { Name: 'no-subnet' });
      const address = (IPv4Address: string, more: object = {}) => ({ IPAMConfig: { IPv4Address }, ...more });
      const create = (label: string, name: string, config: object) =>
        s.ask(label, `POST /containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sleep', '600'], ...config });
      await create(
        'with an address and aliases',
        'net-a',
        on('front', { NetworkingConfig: { EndpointsConfig: { front: address('100.65.1.10', { Aliases: ['ay', 'eh'] }) } } }),
      );
      await endpoints(s, 'created', 'net-a');
      await s.ask('start', 'POST /containers/net-a/start');
      await endpoints(s, 'started', 'net-a');
      await s.ask('its inspect', 'GET /containers/net-a/json');
      await create(
        'with a taken address',
        'net-b',
        on('front', { NetworkingConfig: { EndpointsConfig: { front: address('100.65.1.10') } } }),
      );
      await s.ask('its start', 'POST /containers/net-b/start');
      await s.quiet('DELETE /containers/net-b?force=1', undefined, { tolerant: true });
      await s.up('net-c', on('back'));
      const connect = (label: string, network: string, body: unknown) => s.ask(label, `POST /networks/${network}/connect`, body);
      await connect('connect with an address', 'front', {
        Container: 'net-c',
        EndpointConfig: address('100.65.1.11', { Aliases: ['sea'] }),
      });
      await endpoints(s, 'connected', 'net-c');
      await connect('connect again', 'front', { Container: 'net-c' });
      await s.ask('inspect front', 'GET /networks/front');
      await connect('connect unknown', 'front', { Container: 'nobody' });
      await connect('to unknown', 'nobody', { Container: 'net-c' });
      await connect('nothing', 'front', {});
      await connect('a bad address', 'no-subnet', { Container: 'net-c', EndpointConfig: address('x') });
      await connect('an address in no subnet', 'no-subnet', { Container: 'net-c', EndpointConfig: address('100.65.9.9') });
      await connect('an address outside', 'back', { Container: 'net-a', EndpointConfig: address('100.65.9.9') });
      await connect('to host', 'host', { Container: 'net-c' });
      await connect('to none', 'none', { Container: 'net-c' });
      await create('stopped', 'net-d', on('back'));
      await connect('a stopped one', 'front', { Container: 'net-d', EndpointConfig: { Aliases: ['dee'] } });
      await endpoints(s, 'connected while stopped', 'net-d');
      await s.quiet('POST /containers/net-d/start');
      await endpoints(s, 'and started', 'net-d');
      const disconnect = (label: string, network: string, body: unknown) => s.ask(label, `POST /networks/${network}/disconnect`, body);
      await disconnect('disconnect', 'front', { Container: 'net-c' });
      await disconnect('disconnect again', 'front', { Container: 'net-c' });
      await disconnect('disconnect by force again', 'front', { Container: 'net-c', Force: true });
      await disconnect('disconnect unknown', 'front', { Container: 'nobody' });
      await disconnect('from unknown', 'nobody', { Container: 'net-c' });
      await endpoints(s, 'disconnected', 'net-c');
      await disconnect('a running one from its last', 'back', { Container: 'net-c' });
      await endpoints(s, 'in no network', 'net-c');
      await connect('back again', 'back', { Container: 'net-c' });
      await create('in host', 'net-h', on('host'));
      await connect('a container of host', 'front', { Container: 'net-h' });
      await create('in none', 'net-n', on('none'));
      await connect('a container of none', 'front', { Container: 'net-n' });
      await disconnect('a stopped one', 'back', { Container: 'net-d' });
      await s.ask('rm in use', 'DELETE /networks/front');
      await s.ask('rm by prefix of its name', 'DELETE /networks/fron');
      for (const name of ['bridge', 'host', 'none']) await s.ask(`rm ${name}`, `DELETE /networks/${name}`);
      for (const name of ['net-a', 'net-c', 'net-d', 'net-h', 'net-n'])
        await s.quiet(`DELETE /containers/${name}?force=1`, undefined, { tolerant: true });
      await s.ask('rm', 'DELETE /networks/front');
      await s.ask('rm again', 'DELETE /networks/front');
      await create(
        'with an address where none can be chosen',
        'net-e',
        on('no-subnet', { NetworkingConfig: { EndpointsConfig: { 'no-subnet': address('100.65.9.9') } } }),
      );
      await create('with an address in the default network', 'net-f', {
        NetworkingConfig: { EndpointsConfig: { bridge: address('100.65.9.9') } },
        HostConfig: { NetworkMode: 'bridge' },
      });
      const two = { Image: 'busybox', ...on('back', { NetworkingConfig: { EndpointsConfig: { back: {}, 'no-subnet': {} } } }) };
      const { status, json } = await s.quiet('POST /containers/create?name=net-g', two, { tolerant: true });
      // an engine names them in the order of a map, which is none
      const words = (json as { message?: string }).message?.split(/[:,] /).toSorted();
      s.note('in two networks', 'POST /containers/create', { status, words });
      if (status === 201) await endpoints(s, 'in both', 'net-g');
    },
  },
  {
    name: 'networks: lists, filters, prune',
    isAlone: true,
    async run(s) {
      await s.quiet('POST /networks/create', { Name: 'list-one', Labels: { a: 'b' } });
      await s.quiet('POST /networks/create', { Name: 'list-two', Labels: { a: 'c' } });
      await s.up('lister', on('list-two'));
      const list = async (label: string, query: string): Promise<void> => {
        const { status, json } = await s.quiet(`GET /networks?${query}`, undefined, { tolerant: true });
        const names = Array.isArray(json)
          ? json
              .map((one: { Name: string }) => one.Name)
              .filter((name) => !name.endsWith('_default'))
              .toSorted()
          : json;
        s.note(label, 'GET /networks', { status, names });
      };
      await s.ask('whole', `GET /networks?filters=${filters({ name: ['list-one'] })}`);
      const { Id } = (await s.quiet('GET /networks/list-one')).json as { Id: string };
      const wanted: readonly unknown[] = [
        {},
        { name: ['list-one'] },
        { name: ['list', 'none'] },
        { name: ['^list'] },
        { name: ['('] },
        { driver: ['bridge'] },
        { driver: ['host', 'null'] },
        { type: ['custom'] },
        { type: ['builtin'] },
        { type: ['what'] },
        { scope: ['local'] },
        { scope: ['swarm'] },
        { dangling: ['true'] },
        { dangling: ['false'] },
        { dangling: ['x'] },
        { label: ['a'] },
        { label: ['a=c'] },
        { label: ['x'] },
        { what: ['x'] },
        { label: { 'a=b': true } },
        [],
        'x',
      ];
      for (const filter of wanted) await list(JSON.stringify(filter), `filters=${filters(filter)}`);
      await list('by id', `filters=${filters({ id: [Id.slice(0, 12)] })}`);
      await list('no JSON', 'filters=x');
      await list('no filter', '');
      const prune = async (label: string, query = ''): Promise<void> => {
        const { status, json } = await s.quiet(`POST /networks/prune${query}`, undefined, { tolerant: true });
        const { NetworksDeleted, ...others } = (json ?? {}) as { NetworksDeleted?: readonly string[] | null };
        // the network of those that name none is one of the cluster's, and goes with them
        const own = (NetworksDeleted ?? []).filter((name) => !name.endsWith('_default')).toSorted();
        s.note(label, 'POST /networks/prune', { status, others, deleted: own });
      };
      await prune('prune by label', `?filters=${filters({ label: ['a=none'] })}`);
      await prune('prune until long ago', `?filters=${filters({ until: ['24h'] })}`);
      await prune('prune bad until', `?filters=${filters({ until: ['x'] })}`);
      await prune('prune bad filter', `?filters=${filters({ what: ['x'] })}`);
      await prune('prune no JSON', '?filters=x');
      await prune('prune but label', `?filters=${filters({ 'label!': ['a=b'] })}`);
      await prune('prune');
      await s.quiet('POST /containers/lister/stop?t=0');
      await prune('prune what a stopped one is on');
      await s.ask('start without it', 'POST /containers/lister/start');
      await s.quiet('DELETE /containers/lister?force=1');
      await prune('prune what is used no longer');
      await prune('prune nothing');
    },
  },
];
