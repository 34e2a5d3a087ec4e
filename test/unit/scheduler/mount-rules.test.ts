import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containersOf } from '../../../src/scheduler/create/identify-needs.ts';
import { refuseMounts } from '../../../src/scheduler/volumes/mount-rules.ts';
import { ArpanetError, type CreateRequest } from '../../../src/model/index.ts';
import { BAD_MOUNTS } from '../../support/bad-mounts.ts';

/** Undefined: it is taken. */
function refusalOf(request: CreateRequest, known: readonly string[] = []): string | undefined {
  try {
    containersOf(request, { kind: 'native', name: 'none' }, []);
    refuseMounts(request, (name) => known.includes(name));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ArpanetError && error.kind === 'invalid', String(error));
    return error.message;
  }
}

describe('a bind, a mount, a tmpfs or a volumes-from', () => {
  it('that no Engine takes is refused in its words, and all others are taken', () => {
    // whether there is such a container is looked for later
    for (const { host, refusal } of BAD_MOUNTS)
      assert.equal(
        refusalOf({ HostConfig: host }),
        refusal?.startsWith('No such container') === true ? "invalid volume specification: ''" : refusal,
        JSON.stringify(host),
      );
    assert.ok(BAD_MOUNTS.filter(({ refusal }) => refusal === undefined).length > 3);
  });

  it('with a volume’s name that only another driver, or a volume that is there, can have is taken', () => {
    const mount = (DriverConfig?: object) => ({ Type: 'volume', Source: 'a/b', Target: '/x', VolumeOptions: { DriverConfig } });
    assert.match(refusalOf({ HostConfig: { Mounts: [mount()] } }) ?? '', /invalid characters/);
    assert.equal(refusalOf({ HostConfig: { Mounts: [mount({ Name: 'nfs' })] } }), undefined);
    assert.match(refusalOf({ HostConfig: { Mounts: [mount({ Name: 'local' })], VolumeDriver: 'nfs' } }) ?? '', /invalid characters/);
    assert.equal(refusalOf({ HostConfig: { Binds: ['a/b:/x'], VolumeDriver: 'nfs' } }), undefined);
    assert.equal(refusalOf({ HostConfig: { Binds: ['a/b:/x'] } }, ['a/b']), undefined);
    const long = refusalOf({ HostConfig: { Binds: [`${'x'.repeat(256)}:/x`] } });
    assert.equal(long, `create ${'x'.repeat(40)}…: a volume's name has at most 255 characters`);
    assert.equal(refusalOf({ HostConfig: { Binds: [`${'x'.repeat(255)}:/x`] } }), undefined);
  });

  it('that a service’s template makes is its Engine’s to refuse', () => {
    const mount = { Type: 'bind', Source: '{{.Node.Hostname}}', Target: '{{.Service.Name}}' };
    assert.equal(refusalOf({ HostConfig: { Mounts: [mount, { Type: 'volume', Source: '{{.Task.Slot}}', Target: '/x' }] } }), undefined);
  });
});
