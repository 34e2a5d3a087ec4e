import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hold, withAddresses } from '../../../src/processes/rehearsal.ts';
import type { IdleSince } from '../../../src/contracts/index.ts';
import type { Placement } from '../../../src/model/index.ts';
import { REST_MS, world } from '../../support/fakes/dhcp-world.ts';

const placed: Placement = { kind: 'placed', decision: { host: 'h1', strategy: 'spread', atMs: 0, scored: [], refused: [] } };
const create = (name: string, network: string) => ({
  name,
  request: { Image: 'web', NetworkingConfig: { EndpointsConfig: { [network]: {} } } },
});

function rehearsal(
  w: ReturnType<typeof world>,
  creates: readonly (ReturnType<typeof create> & { readonly isReplacement?: boolean })[],
  networks: readonly { Name: string }[],
  idleSince: IdleSince = () => undefined,
) {
  const { ledger, clock, dhcp } = w;
  const deps = {
    ledger,
    pool: '10.32.0.0/12',
    defaultPrefix: 22,
    restMs: REST_MS,
    epoch: 1,
    now: () => clock.ms,
    newId: () => `planned-${Math.random()}`,
  };
  return withAddresses(
    deps,
    dhcp,
    idleSince,
    creates,
    creates.map(() => placed),
    networks,
    [],
  );
}

describe('a rehearsal', () => {
  it('gives the addresses of the network that is made next, also where networks were made and removed before', () => {
    const w = world();
    for (const name of ['one', 'two']) w.ledger.apply(w.dhcp.networks.planRemoval(w.network({ name })));
    const [found] = rehearsal(w, [create('a', 'new')], [{ Name: 'new' }]);
    const id = w.network({ name: 'new' });
    assert.deepEqual(found?.addresses, { new: w.offer(id, 'a') });
  });

  it('takes what nobody runs with for free, as a create does, and refuses where all of it is in use', () => {
    const w = world();
    const id = w.network({ name: 'n', size: '/29' });
    for (let number = 1; ; number++) {
      try {
        w.bind(id, w.offer(id, `old-${number}`));
      } catch {
        break;
      }
    }
    const one = [create('a', 'n')];
    assert.match(
      rehearsal(w, one, [])
        .map((found) => (found.kind === 'refused' ? found.message : 'fits'))
        .join(),
      /addresses/,
    );
    const idle = rehearsal(w, one, [], ({ kind }) => (kind === 'instance' ? 1 : undefined));
    assert.deepEqual(
      idle.map(({ kind }) => kind),
      ['placed'],
    );
  });

  it('leaves the addresses that some ask for by name to them, though others come first', () => {
    const w = world();
    w.network({ name: 'n' });
    const fixed = (name: string, ip: string) => ({
      name,
      request: { Image: 'web', NetworkingConfig: { EndpointsConfig: { n: { IPAMConfig: { IPv4Address: ip } } } } },
    });
    const found = rehearsal(w, [create('a', 'n'), create('b', 'n'), fixed('c', '10.32.0.3'), fixed('d', '10.32.0.2')], []);
    assert.deepEqual(
      found.map(({ addresses }) => addresses['n']),
      ['10.32.0.4', '10.32.0.5', '10.32.0.3', '10.32.0.2'],
    );
  });

  it('leaves its address to what takes the place of a container', () => {
    const w = world();
    const id = w.network({ name: 'n' });
    for (const name of ['x', 'a', 'y']) w.bind(id, w.offer(id, name));
    const found = rehearsal(w, [create('new', 'n'), { ...create('a', 'n'), isReplacement: true }], []);
    assert.deepEqual(
      found.map(({ addresses }) => addresses['n']),
      ['10.32.0.5', '10.32.0.3'],
    );
  });

  it('changes nothing; what is held of it goes to each container, in whatever order they come', () => {
    const w = world();
    const id = w.network({ name: 'n' });
    const before = w.ledger.entries.size;
    const creates = ['a', 'b', 'c'].map((name) => create(name, 'n'));
    const found = rehearsal(w, creates, []);
    assert.equal(w.ledger.entries.size, before);
    const hosts: string[] = [];
    const placement = { hold: (name: string, host: string) => void hosts.push(`${name} on ${host}`) };
    hold(placement, w.dhcp, () => id, creates, found);
    assert.deepEqual(hosts, ['a on h1', 'b on h1', 'c on h1']);
    for (const name of ['c', 'a', 'b']) {
      const at = creates.findIndex((one) => one.name === name);
      assert.equal(w.offer(id, name), found[at]?.addresses['n'], name);
    }
  });
});
