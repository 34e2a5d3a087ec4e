/** Each disagreement that an audit can find, on literal data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  ContainerRecord,
  ContainerView,
  HostObservation,
  HostView,
  LeaseRecord,
  NamedInstance,
  NetworkPlan,
  NetworkRecord,
} from '../../../src/model/index.ts';
import { auditText } from '../../../src/cli/output/audit.ts';
import { audit } from '../../../src/operator-api/index.ts';

type Input = Parameters<typeof audit>[0];
const network = { id: 'n1', name: 'abc_default', cidr: '10.32.0.0/22', vni: 7 } as NetworkRecord;
const lease: LeaseRecord = {
  ip: '10.32.0.5',
  network: 'n1',
  kind: 'instance',
  owner: 'web',
  host: 'h1',
  state: 'bound',
  sinceMs: 0,
  epoch: 1,
};
const record = { name: 'web', id: 'c1', host: 'h1', addresses: { n1: '10.32.0.5' } } as unknown as ContainerRecord;
const container = (changes: { id?: string; name?: string; ip?: string; running?: boolean } = {}): ContainerView =>
  ({
    id: changes.id ?? 'c1',
    name: changes.name ?? 'web',
    host: 'h1',
    hostState: 'alive',
    record: undefined,
    facts: {
      inspect: {
        State: { Running: changes.running ?? true },
        Config: { Labels: { 'arpanet.record': '{}' } },
        NetworkSettings: { Networks: { abc_default: { IPAddress: changes.ip ?? '10.32.0.5' } } },
      },
    },
  }) as unknown as ContainerView;
const plan = { network: 'n1', name: 'abc_default', vni: 7, gateway: '10.32.0.1', peers: ['10.0.0.2'] } as unknown as NetworkPlan;
const instance = { id: '1.web.abc', ready: true, addresses: { n1: '10.32.0.5' } } as unknown as NamedInstance;
const found: HostObservation = {
  networks: [{ network: 'n1', name: 'abc_default', gateway: '10.32.0.1', bridge: 'arp000007' }],
  vxlans: [{ device: 'arv000007', vni: 7, master: 'arp000007', isUp: true, peers: ['10.0.0.2'] }],
  names: [instance],
};
const whole: Input = {
  hosts: [{ name: 'h1', state: 'alive' } as HostView],
  containers: [container()],
  proven: new Set(['c1', 'c2']),
  records: [record],
  networks: [network],
  leases: [lease],
  subnets: [{ cidr: '10.32.0.0/22', network: 'n1' }],
  looks: new Map([['h1', { wanted: { plans: [plan], names: [instance] }, found }]]),
  catalog: [],
  keptLeases: new Set(),
  foreignKeys: [],
  unreadable: [],
  leftOut: [],
};
const looking = (changes: Partial<HostObservation>): Partial<Input> => ({
  looks: new Map([['h1', { wanted: { plans: [plan], names: [instance] }, found: { ...found, ...changes } }]]),
});

describe('an audit', () => {
  it('does not ask for a container whose labels prove nothing', () => {
    const forged = container({ id: 'c3', name: 'forged', running: false });
    assert.deepEqual(audit({ ...whole, containers: [container(), forged] }), []);
  });

  it('finds nothing where all agrees, and says so', () => {
    assert.deepEqual(audit(whole), []);
    assert.match(auditText({ findings: [], fixed: [] }), /no differences/);
  });

  const cases: readonly (readonly [string, Partial<Input>, string])[] = [
    ['a key that was modified externally', { foreignKeys: ['arpanet/x'] }, 'key arpanet/x was modified externally'],
    [
      'a record that cannot be read',
      { unreadable: [{ key: 'arpanet/services/abc/web', why: 'desired: is a string and not uint32', name: undefined }] },
      'the record arpanet/services/abc/web cannot be read and is set aside: desired: is a string and not uint32 ("arpanet audit --discard arpanet/services/abc/web" deletes it)',
    ],
    [
      'an entry that is left out',
      { leftOut: [{ kind: 'container', name: 'web', of: 'the list of containers', why: 'no state' }] },
      'the container web cannot be handled and is left out of the list of containers: no state',
    ],
    ['a container removed behind our back', { containers: [] }, 'container web is in the store and not on its Engine'],
    [
      'a create that nobody finished',
      { records: [{ ...record, id: undefined as never }], containers: [] },
      'begun and neither finished nor undone',
    ],
    [
      'a container with our labels that nobody knows',
      { containers: [container(), container({ id: 'c2', name: 'twin', running: false })] },
      'twin carries our labels',
    ],
    ['a container that runs without its address', { containers: [container({ ip: '10.32.0.9' })] }, 'runs without its address 10.32.0.5'],
    [
      'one address held by two',
      {
        records: [record, { ...record, name: 'twin', id: 'c2' }],
        containers: [container(), container({ id: 'c2', name: 'twin' })],
      },
      'address 10.32.0.5 is held by web and by twin',
    ],
    [
      'a lease that nobody gave back',
      { leases: [lease, { ...lease, ip: '10.32.0.6', owner: 'gone' }] },
      'lease 10.32.0.6 is held for gone',
    ],
    ['an address without its lease', { leases: [] }, 'address 10.32.0.5 of web is not leased'],
    [
      'a lease in a network that is gone',
      { leases: [lease, { ...lease, network: 'n0', owner: 'old' }] },
      'is in a network that does not exist',
    ],
    [
      'a subnet without its network',
      { subnets: [...whole.subnets, { cidr: '10.32.4.0/22', network: 'n0' }] },
      'subnet 10.32.4.0/22 belongs to',
    ],
    ['a network without its subnet', { subnets: [] }, 'subnet 10.32.0.0/22 of network abc_default is allocated to another network'],
    ['a network deleted on a host', looking({ networks: [] }), 'network abc_default does not exist on its Engine'],
    [
      'a network left behind on a host',
      looking({ networks: [...found.networks, { ...found.networks[0]!, network: 'n0', name: 'old' }] }),
      'network old is on its Engine',
    ],
    [
      'the gateway’s address taken off its bridge',
      looking({ networks: [{ ...found.networks[0]!, isAddressed: false }] }),
      'has lost its address 10.32.0.1, or is down: names are not answered there',
    ],
    [
      'what else the agent finds changed in its kernel',
      looking({ differs: ['overlay packets of the lost host at 10.0.0.9 are not dropped'] }),
      'overlay packets of the lost host at 10.0.0.9 are not dropped',
    ],
    ['a VXLAN device deleted', looking({ vxlans: [] }), 'network abc_default has no VXLAN device'],
    ['a VXLAN device that is down', looking({ vxlans: [{ ...found.vxlans[0]!, isUp: false }] }), 'is down'],
    ['a peer without its forwarding entry', looking({ vxlans: [{ ...found.vxlans[0]!, peers: [] }] }), 'forwarding lacks 10.0.0.2'],
    [
      'a name that DNS still gives',
      looking({ names: [instance, { ...instance, id: '2.web.abc', addresses: { n1: '10.32.0.7' } }] }),
      'has 2.web.abc at 10.32.0.7',
    ],
    ['a name that DNS lacks', looking({ names: [] }), 'lacks 1.web.abc at 10.32.0.5'],
    ['an entry missing in the catalog', { catalog: ['1.web.abc on arpanet-h1 is missing or wrong'] }, '1.web.abc on arpanet-h1'],
    [
      'an agent that does not answer',
      { looks: new Map([['h1', { wanted: { plans: [], names: [] }, found: undefined }]]) },
      'could not be asked',
    ],
  ];
  for (const [what, changes, sentence] of cases) {
    it(`finds ${what}`, () => {
      const texts = audit({ ...whole, ...changes }).map((finding) => finding.what);
      assert.ok(
        texts.some((text) => text.includes(sentence)),
        texts.join('\n'),
      );
    });
  }

  it('says nothing of a host that is down: nobody can know', () => {
    const hosts = [{ name: 'h1', state: 'down' } as HostView];
    assert.deepEqual(audit({ ...whole, hosts, containers: [], looks: new Map() }), []);
  });
});
