import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  composeLabels,
  deploymentIn,
  deploymentLabel,
  isOneoff,
  labels,
  reservedWarnings,
  serviceLabel,
  stackLabel,
  withoutReserved,
} from '../../../src/model/index.ts';

describe('labels', () => {
  it("say the deployment: compose's before a stack's before arpanet's own; an empty one counts for nothing", () => {
    assert.equal(deploymentIn({}), 'default');
    assert.equal(deploymentIn({ [labels.deployment]: 'own' }), 'own');
    assert.equal(deploymentIn({ [labels.deployment]: 'own', [stackLabel]: 'stack' }), 'stack');
    assert.equal(deploymentIn({ [stackLabel]: 'stack', [composeLabels.project]: 'project' }), 'project');
    assert.equal(deploymentIn({ [stackLabel]: 'stack', [composeLabels.project]: '' }), 'stack');
    assert.equal(deploymentLabel({ [composeLabels.project]: '' }), undefined);
  });

  it('say the service, and which label says so', () => {
    assert.equal(serviceLabel({}), undefined);
    assert.deepEqual(serviceLabel({ [labels.service]: 'own' }), [labels.service, 'own']);
    assert.deepEqual(serviceLabel({ [labels.service]: 'own', [composeLabels.service]: 'web' }), ['com.docker.compose.service', 'web']);
  });

  it('say that compose run made it, in either case', () => {
    assert.ok(isOneoff({ 'com.docker.compose.oneoff': 'True' }));
    assert.ok(!isOneoff({ 'com.docker.compose.oneoff': 'False' }));
    assert.ok(!isOneoff({}));
  });

  it('that only arpanet writes are left out, with a warning that names them; those that users write stay', () => {
    const theirs = Object.fromEntries(
      ['reserve', 'reschedule', 'dns', 'size', 'deployment', 'service', 'constraints', 'affinities', 'max-per-host', 'files', 'forced'].map(
        (name) => [`arpanet.${name}`, '1'],
      ),
    );
    const ours = Object.fromEntries(
      ['mac', 'record', 'request', 'instance', 'network', 'host', 'placement'].map((name) => [`arpanet.${name}`, '1']),
    );
    const request = { Image: 'i', Labels: { ...theirs, ...ours } };
    assert.deepEqual(withoutReserved(request), { Image: 'i', Labels: theirs });
    assert.deepEqual(reservedWarnings(ours), [
      'only arpanet writes the labels arpanet.host, arpanet.instance, arpanet.mac, arpanet.network, arpanet.placement, arpanet.record, arpanet.request: left out',
    ]);
    const plain = { Labels: theirs };
    assert.equal(withoutReserved(plain), plain);
    for (const none of [theirs, {}, null, undefined]) assert.deepEqual(reservedWarnings(none), []);
  });
});
