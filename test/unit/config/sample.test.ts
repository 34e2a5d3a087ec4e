import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Command, loadConfig, optionsOf, SAMPLED, sampleFile } from '../../../src/config/index.ts';
import { ArpanetError } from '../../../src/model/index.ts';

const load = <C extends Command>(command: C, text: string, flags: Readonly<Record<string, unknown>> = {}) =>
  loadConfig(command, { flags: { config: 'file', ...flags }, env: {}, readFile: () => text });
/** The file with the comment sign of each setting removed. */
const inForce = (text: string) => text.replaceAll(/^# (?=[a-z][a-z-]*: \S+$)/gm, '');

describe('the sample of a file for --config', () => {
  it('has every setting of the process once, with its help and its variable', () => {
    for (const command of SAMPLED) {
      const text = sampleFile(command);
      for (const { name } of optionsOf(command)) {
        if (name === 'config') continue;
        assert.equal([...text.matchAll(new RegExp(`^# ${name}: `, 'gm'))].length, 1, `${command}: ${name}`);
      }
      assert.ok(
        text.split('\n').every((line) => line === '' || line.startsWith('# ')),
        'nothing of it is in force',
      );
      assert.ok(text.split('\n').every((line) => line.length <= 100));
    }
  });

  it('shows the defaults: with its comment signs removed it means the same', () => {
    const given = { listen: 'tcp://10.0.0.1:2375', store: 'embedded:/data' };
    const preset = ['pool', 'strategy', 'dns-listen', 'lease-rest', 'drain-time', 'body-limit', 'stream-limit', 'overcommit-cpu'];
    const all = sampleFile('scheduler', given);
    const shown = all
      .split('\n')
      .map((line) => (preset.some((name) => line.startsWith(`# ${name}: `)) ? inForce(line) : line))
      .join('\n');
    assert.notEqual(shown, all);
    assert.deepEqual(load('scheduler', shown), load('scheduler', '', given));
  });

  it('has the given values in force, as the process reads them', () => {
    const agent = load(
      'agent',
      sampleFile('agent', {
        name: 'db-1',
        address: '10.0.0.11',
        join: 'http://10.0.0.1:2375,http://10.0.0.2:2375',
        label: 'disk=ssd,note=a b: c',
        'join-token': 'yes',
      }),
    );
    assert.equal(agent.name, 'db-1');
    assert.equal(agent.join.length, 2);
    assert.deepEqual(agent.label, { disk: 'ssd', note: 'a b: c' });
    assert.equal(agent.joinToken, 'yes');
  });

  it('refuses what is no setting of the process', () => {
    assert.throws(
      () => sampleFile('agent', { strategy: 'spread' }),
      (error) => error instanceof ArpanetError && error.message === '"strategy" is not a setting of arpanet agent',
    );
  });
});
