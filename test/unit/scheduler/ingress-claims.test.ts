import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerView } from '../../../src/model/index.ts';
import { refuseClusterPorts, refuseTakenPorts } from '../../../src/scheduler/networks/ingress-claims.ts';
import { createHostPool } from '../../../src/scheduler/placement/host-pool.ts';
import type { HostSnapshot } from '../../../src/scheduler/placement/index.ts';
import { createPortIndex } from '../../../src/scheduler/view/port-index.ts';
import { hostSnapshot } from '../../support/fakes/literal-placement.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

const INGRESS = { 'arpanet.ingress': '8080:80' };
const web = literalRecord('abc_web_1', { request: { Labels: INGRESS } });
const none = { withIngress: () => [], withPort: () => [] };
const asking = (service: string, hostPorts: readonly string[] = []) => ({ deployment: 'abc', service, hostPorts });
type Asked = [ReturnType<typeof asking> & { readonly replaced?: ReadonlySet<string> }, Record<string, string>?];
const pooled = (...hosts: readonly Partial<HostSnapshot>[]) => {
  const pool = createHostPool();
  for (const [i, host] of hosts.entries()) pool.put(hostSnapshot(`h${i}`, host), { strategy: 'spread', nowMs: 1, random: () => 0.5 });
  return { pool: () => pool };
};
const refusal = (holders: Partial<typeof none>, ...asked: Asked) => refusalAt([], holders, ...asked);
const refusalAt = (hosts: readonly Partial<HostSnapshot>[], holders: Partial<typeof none>, ...asked: Asked) => {
  const core = { view: { ...none, ...holders }, summaries: pooled(...hosts), recordIndex: { unseen: () => [] } };
  refuseTakenPorts(core as unknown as Parameters<typeof refuseTakenPorts>[0], asked[0], asked[1]);
};

describe('a port that every host answers for is one service’s', () => {
  const withWeb = { withIngress: (() => [literalView(web)]) as () => never[] };

  it('a second service is told who has it, whether it asks for all hosts or for one', () => {
    assert.throws(() => refusal(withWeb, asking('api'), INGRESS), /port '8080' is already in use by service 'abc_web' as an ingress port/);
    assert.throws(() => refusal(withWeb, asking('api', ['0.0.0.0:8080/tcp'])), /by service 'abc_web' as an ingress port/);
    const foreign = { ...asking('api'), deployment: 'xyz' };
    assert.throws(() => refusal(withWeb, foreign, INGRESS), /in use by a service of another deployment as an ingress port/);
    refusal(withWeb, asking('web'), INGRESS);
    refusal(withWeb, { ...asking('api'), replaced: new Set(['abc_web_1']) }, INGRESS);
    refusal(withWeb, asking('api', ['0.0.0.0:8080/udp']));
    refusal(withWeb, asking('api'), { 'arpanet.ingress': '8081:80' });
  });

  it('where no host can answer, the create is refused; where one can, it is not', () => {
    const lost = { state: 'down', answers: ['ports'] } as const;
    assert.throws(() => refusalAt([{}, {}, lost], {}, asking('web'), INGRESS), /install nftables on the hosts/);
    refusalAt([{}, { answers: ['ports'] }], {}, asking('web'), INGRESS);
    refusalAt([{}], {}, asking('web', ['0.0.0.0:8080/tcp']));
  });

  it('the cluster’s own are nobody’s: of DNS, VXLAN, WireGuard, and of the API of agents and schedulers', () => {
    const settings = { agentSettings: () => ({ schedulers: ['https://s2:2400'] }) };
    const core = {
      summaries: pooled({ apiPort: 7375, httpPorts: [7378, 80] }),
      deps: { leader: { url: 'http://10.9.0.1:2300' }, settings },
    } as unknown as Parameters<typeof refuseClusterPorts>[0];
    const refuse = (label: string) => refuseClusterPorts(core, { 'arpanet.ingress': label });
    const said = /^ArpanetError: port '\d+\/(?:tcp|udp)' cannot be one that every host answers for: .* ha(?:s|ve) it/;
    for (const port of ['53/udp', '53', '4789/udp', '7374/udp', '7376/udp', '7377/udp', '2376', '7375', '2300', '2400', '80'].map((one) =>
      one.split('/'),
    ))
      assert.throws(() => refuse(`8080:80,${port[0]}:90/${port[1] ?? 'tcp'}`), said, port.join('/'));
    refuse('5300:53/udp,4789:80,7375:80/udp');
    refuseClusterPorts(core, {});
  });

  it('nor does it get one that another publishes on its host', () => {
    const other = literalView(literalRecord('abc_api_1'), { ports: ['0.0.0.0:8080/tcp'] });
    const inspect = { ...other.facts.inspect, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } };
    const holder = { ...other, facts: { ...other.facts, inspect } } as ContainerView;
    const withPort = (() => [holder]) as unknown as () => never[];
    assert.throws(() => refusal({ withPort }, asking('web'), INGRESS), /by service 'abc_api' as a host-published port/);
    refusal({ withPort }, asking('api'), INGRESS);
  });

  it('is looked up by its number', () => {
    const index = createPortIndex();
    const { inspect } = literalView(web).facts;
    const labelled = { ...inspect, Config: { ...inspect.Config, Labels: INGRESS } };
    index.put('one', labelled);
    assert.deepEqual([index.onAllHosts(8080, 'tcp'), index.onAllHosts(8080, 'udp'), index.at(8080, 'tcp')], [['one'], [], []]);
    index.put('one', inspect);
    assert.deepEqual(index.onAllHosts(8080, 'tcp'), []);
  });
});
