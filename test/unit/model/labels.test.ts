import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { composeLabels, deploymentIn, deploymentLabel, isOneoff, labels, serviceLabel, stackLabel } from '../../../src/model/index.ts';

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
});
