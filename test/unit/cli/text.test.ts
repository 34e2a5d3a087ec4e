import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decision, EngineEvent, NamedInstance } from '../../../src/model/index.ts';
import { eventText } from '../../../src/cli/output/events.ts';
import { explainText } from '../../../src/cli/output/explain.ts';
import { prefixed, sinceOf, timedLine } from '../../../src/cli/output/log-lines.ts';
import { namesText } from '../../../src/cli/output/names.ts';
import { addressesText } from '../../../src/cli/output/networks.ts';
import { instanceCalled, nameReports } from '../../../src/operator-api/index.ts';

const figures = {
  preferences: 0,
  sameService: 1,
  cpu: 0.253,
  memory: 0.5,
  pendingCpu: 0.1,
  pendingMemory: 0,
  reservedCpu: 0,
  reservedMemory: 0.25,
  containers: 3,
  image: 1,
};
const decision: Decision = {
  host: 'h2',
  strategy: 'spread',
  atMs: Date.UTC(2026, 10, 20, 14, 3, 5),
  scored: [
    { host: 'h2', score: -5.25, figures },
    { host: 'h1', score: -105.5, figures: { ...figures, cpu: 0.9, image: 0 } },
  ],
  refused: [{ host: 'h3', rule: 'memory', why: 'needs 512 MiB, 100 MiB of 2 GiB unreserved' }],
};

const instance = (number: number, over: Partial<NamedInstance> = {}): NamedInstance => ({
  id: `${number}.web.abc`,
  container: `c${number}`,
  name: `abc-web-${number}`,
  deployment: 'abc',
  service: 'web',
  number,
  host: `h${number}`,
  addresses: { n1: `10.32.0.${number}` },
  aliases: {},
  links: {},
  ports: [],
  state: 'running',
  ready: true,
  ...over,
});

describe('what people call an instance', () => {
  const all = [1, 2].map((number) => instance(number));
  it('is read the surest way first', () => {
    for (const reference of ['abc-web-2', '2.web.abc', '2.web', 'web-2', 'web_2', 'web.2', 'abc/web-2', 'abc/web.2'])
      assert.equal(instanceCalled(reference, all).name, 'abc-web-2', reference);
    assert.equal(instanceCalled('web', [instance(2)]).name, 'abc-web-2');
    assert.equal(instanceCalled('web-2', [instance(2), instance(7, { name: 'web-2' })]).number, 7);
  });

  it('is refused with the next step when it is several, or none', () => {
    assert.throws(() => instanceCalled('abc/web', all), /"abc\/web" matches 2 instances: give one of abc-web-1, abc-web-2$/);
    assert.throws(() => instanceCalled('abc-wbe-2', all), /No such container: abc-wbe-2; did you mean abc-web-2\?/);
    assert.throws(() => instanceCalled('nobody', all), /No such container: nobody; there are abc-web-1, abc-web-2$/);
  });
});

describe('what operators look at', () => {
  it('explain says where, when, by what, each host that fits with its figures, and each refusal with its rule', () => {
    assert.equal(
      explainText('abc-web-2', decision),
      [
        'abc-web-2 is on h2: chosen 2026-11-20 14:03:05 UTC by spread, from 2 of 3 hosts that fit',
        '',
        'FITS  SCORE   PREFERENCES  SAME SERVICE  CPU  MEMORY  +CPU  +MEMORY  RESERVED CPU  RESERVED MEMORY  CONTAINERS  IMAGE',
        'h2    -5.25   0            1             25%  50%     10%   0%       0%            25%              3           1',
        'h1    -105.5  0            1             90%  50%     10%   0%       0%            25%              3           0',
        '(CPU, MEMORY: live load at that time. +CPU, +MEMORY: charged for containers placed just before)',
        '',
        'REFUSED  RULE    WHY',
        'h3       memory  needs 512 MiB, 100 MiB of 2 GiB unreserved',
      ].join('\n'),
    );
  });

  it('addresses stand in the order of numbers, each with its owner, host and state; an unused network is shown', () => {
    const network = { name: 'abc_default', cidr: '10.32.0.0/22' };
    const lease = { network: 'n1', kind: 'instance', owner: 'abc-web-1', host: 'h1', state: 'bound', sinceMs: 0, epoch: 1 } as const;
    assert.equal(
      addressesText([
        { name: 'b', cidr: '10.32.4.0/22', leases: [] },
        {
          ...network,
          leases: [
            { ...lease, ip: '10.32.0.10' },
            { ...lease, ip: '10.32.0.2', kind: 'gateway', owner: 'h1' },
          ],
        },
      ]),
      [
        'NETWORK      SUBNET        ADDRESS     KIND      OWNER      HOST  STATE',
        'abc_default  10.32.0.0/22  10.32.0.2   gateway   h1         h1    bound',
        'abc_default  10.32.0.0/22  10.32.0.10  instance  abc-web-1  h1    bound',
        'b            10.32.4.0/22  -                                      ',
      ].join('\n'),
    );
  });

  it('a name shows the addresses of those that are ready, and how many are not', () => {
    assert.equal(
      namesText(nameReports([instance(10), instance(2, { state: 'out', ready: false })], [])),
      [
        'NAME                       READY  HOST    ADDRESS',
        'web.abc.service.consul     1/2    h10,h2  10.32.0.10',
        '2.web.abc.service.consul   0/1    h2      -',
        '10.web.abc.service.consul  1/1    h10     10.32.0.10',
      ].join('\n'),
    );
  });

  it('an event is one line: when, where, what', () => {
    const event: EngineEvent = {
      Type: 'container',
      Action: 'die',
      time: 1_763_647_385,
      timeNano: 0,
      Actor: { ID: 'f'.repeat(64), Attributes: { 'node.name': 'h1', name: 'abc-web-1', image: 'web:1', exitCode: '1' } },
    };
    assert.equal(eventText(event), '2025-11-20T14:03:05Z h1 container die abc-web-1 (image=web:1, exitCode=1)');
  });

  it('logs: a line gives its time, with which reading goes on where it was left', () => {
    assert.deepEqual(timedLine('2026-11-20T14:03:05.012345678Z hello  world'), {
      at: '2026-11-20T14:03:05.012345678Z',
      text: 'hello  world',
    });
    assert.equal(sinceOf('2026-11-20T14:03:05.012345678Z'), '1795183385.012345678');
  });

  it('logs: colours only on a terminal, and one container always has the same', () => {
    assert.equal(prefixed('web-1 h2', 10, 'hello', false), 'web-1 h2   | hello');
    const colour = (who: string) => /\[(\d+)m/.exec(prefixed(who, 0, '', true))?.[1];
    assert.equal(colour('web-1 h1'), colour('web-1 h2'));
  });
});
