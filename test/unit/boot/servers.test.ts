/** Which of several boot servers answers, which leases they share, and machines that never get their script. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergedLeases, readLeases, writeLeases } from '../../../src/boot/leases.ts';
import { createLoops } from '../../../src/boot/loops.ts';
import { createBootServers, HOLD_MS, QUIET_MS } from '../../../src/boot/servers.ts';

const lease = (end: number, last: number, untilMs = 1_000_000) => ({
  mac: `52:54:00:00:00:0${end}`,
  address: `10.50.0.${last}`,
  name: '',
  untilMs,
});
const report = (name: string, more: object = {}) => ({
  name,
  interface: 'eth1',
  address: `10.50.0.${name.length}`,
  network: '10.50.0.0/24',
  answers: false,
  warnings: [],
  leases: [],
  seen: [],
  ...more,
});

describe('boot servers of one network', () => {
  it('answer one at a time: another does when that one is not heard from, and later than it stops by itself', () => {
    const servers = createBootServers(0);
    assert.equal(servers.heard(report('a'), HOLD_MS).answers, true);
    assert.equal(servers.heard(report('bb'), HOLD_MS + 1).answers, false);
    assert.equal(servers.heard(report('a', { answers: true }), HOLD_MS + 2_000).answers, true);
    assert.equal(servers.heard(report('bb'), 2 * HOLD_MS + 1_999).answers, false);
    assert.equal(servers.heard(report('bb'), 2 * HOLD_MS + 2_001).answers, true);
    assert.equal(servers.heard(report('a', { answers: true }), 2 * HOLD_MS + 2_500).answers, false, 'it comes back, and stands by');
    assert.ok(QUIET_MS + 2_000 < HOLD_MS, 'a report may have been under way');
  });

  it('keep their turn over a change of leader, and a new leader lets nobody else begin before what was granted is over', () => {
    const servers = createBootServers(50_000);
    assert.equal(servers.heard(report('bb'), 50_001).answers, false);
    assert.equal(servers.heard(report('a', { answers: true }), 50_500).answers, true);
    assert.equal(servers.heard(report('bb'), 50_000 + HOLD_MS).answers, false);
  });

  it('hand over at once when one cannot answer, and those of another network do not wait for them', () => {
    const servers = createBootServers(0);
    assert.equal(servers.heard(report('a'), HOLD_MS).answers, true);
    assert.equal(servers.heard(report('ccc', { network: '10.60.0.0/24' }), HOLD_MS).answers, true);
    assert.equal(servers.heard(report('a', { trouble: 'the image is altered' }), HOLD_MS + 1).answers, false);
    assert.equal(servers.heard(report('bb'), HOLD_MS + 2).answers, true);
    assert.deepEqual(
      servers.list(HOLD_MS + 3).map(({ name, answers }) => [name, answers]),
      [
        ['a', false],
        ['ccc', true],
        ['bb', true],
      ],
    );
  });

  it('know the leases of each other: the next one gives no address to a second machine', () => {
    const servers = createBootServers(0);
    servers.heard(report('a', { answers: true, leases: [lease(1, 150), lease(2, 151, 15_000)] }), 11_000);
    const { leases } = servers.heard(report('bb', { leases: [lease(3, 150), lease(4, 152)] }), 12_000);
    assert.deepEqual(
      leases.map(({ mac, address }) => [mac.at(-1), address]),
      [
        ['1', '10.50.0.150'],
        ['2', '10.50.0.151'],
        ['4', '10.50.0.152'],
      ],
    );
    assert.equal(mergedLeases(leases, [], 16_000).length, 2, 'those that are over are forgotten');
    assert.deepEqual(
      readLeases(writeLeases(leases)),
      leases.map((one) => ({ ...one, untilMs: Math.floor(one.untilMs / 1_000) * 1_000 })),
    );
    assert.deepEqual(
      readLeases('duid 00:01\nnonsense\n0 52:54:00:00:00:01 10.50.0.9 db-3 *\n').map(({ name, address }) => [name, address]),
      [['db-3', '10.50.0.9']],
    );
  });
});

describe('a machine that loads iPXE again and again', () => {
  it('is not answered for ten minutes, and one that gets its script is', () => {
    const loops = createLoops();
    for (const at of [0, 60_000, 300_000]) assert.equal(loops.loaded('a', at), false, 'it boots now and then');
    assert.equal(loops.loaded('b', 0), false);
    assert.equal(loops.loaded('b', 20_000), false);
    loops.scripted('b');
    assert.equal(loops.loaded('b', 40_000), false);
    assert.equal(loops.loaded('c', 0), false);
    assert.equal(loops.loaded('c', 20_000), false);
    assert.equal(loops.loaded('c', 40_000), true);
    assert.deepEqual(loops.silent(41_000), ['c']);
    assert.deepEqual(loops.silent(640_001), []);
  });
});
