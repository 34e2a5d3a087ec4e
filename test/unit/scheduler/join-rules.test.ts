/** Which Engines cannot be one of a cluster. What they say is as recorded from Docker 20.10 and Podman 4.3.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiWindowFault, createWindows, engineFault } from '../../../src/scheduler/agents/join-rules.ts';

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

describe('the API versions of a host that joins', () => {
  it('are compared with each window that there is, and not with each host', () => {
    const windows = createWindows();
    const old = (name: string) => ({ name, minApiVersion: '1.24', apiVersion: '1.41' });
    for (let i = 0; i < 1_000; i++) windows.enter(old(`h${i}`));
    const newest = { name: 'new', minApiVersion: '1.44', apiVersion: '1.51' };
    assert.equal(windows.besides('new').length, 1);
    assert.match(apiWindowFault(newest, windows.besides('new')) ?? '', /host h0 1.24 to 1.41: no version that both have/);
    for (let i = 1; i < 1_000; i++) windows.leave(old(`h${i}`));
    assert.deepEqual(windows.besides('h0'), [], 'itself does not count: its Engine may be another now');
    windows.leave(old('h0'));
    assert.equal(apiWindowFault(newest, windows.besides('new')), undefined);
  });
});
