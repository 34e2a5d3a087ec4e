/** Which Engines cannot be one of a cluster. What they say is as recorded from Docker 20.10 and Podman 4.3.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { engineFault } from '../../../src/scheduler/agents/join-rules.ts';

const engine = (component: string, ...options: readonly string[]) => ({
  name: 'h1',
  overlay: 'vxlan' as const,
  version: { Components: [{ Name: component }, { Name: 'containerd' }] },
  info: { SecurityOptions: options },
});

describe('an Engine that joins', () => {
  it('is Docker that runs as root, and no other, where hosts have one network', () => {
    assert.equal(engineFault(engine('Engine', 'name=seccomp,profile=default', 'name=userns')), undefined);
    assert.equal(engineFault({ ...engine('Engine'), version: {}, info: {} }), undefined);
    assert.match(engineFault(engine('Podman Engine')) ?? '', /^host h1 has Podman/);
    const rootless = engine('Engine', 'name=seccomp,profile=default', 'name=rootless', 'name=cgroupns');
    assert.match(engineFault(rootless) ?? '', /is rootless: .*; let it have one that runs as root$/);
    assert.equal(engineFault({ ...rootless, overlay: 'none' }), undefined, 'alone on a machine it is as good');
  });
});
