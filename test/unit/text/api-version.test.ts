import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiMinor, compareVersions, olderVersion, splitVersion } from '../../../src/text/api-version.ts';

describe('a version of the Docker API', () => {
  it('is compared by number, and not as text', () => {
    assert.deepEqual(['1.41', '1.9', '2.0', '1.24', '1.51'].toSorted(compareVersions), ['1.9', '1.24', '1.41', '1.51', '2.0']);
    assert.equal(compareVersions('1.41', '1.41.0'), 0);
  });

  it('is the older of two', () => {
    assert.equal(olderVersion('1.9', '1.41'), '1.9');
    assert.equal(olderVersion('1.51', '1.41'), '1.41');
    assert.equal(olderVersion(undefined, '1.41'), '1.41');
    assert.equal(olderVersion(undefined, undefined), undefined);
  });

  it('stands before a path', () => {
    assert.deepEqual(splitVersion('/v1.43/info'), { version: '1.43', path: '/info' });
    assert.deepEqual(splitVersion('/info'), { version: undefined, path: '/info' });
    assert.deepEqual(splitVersion('/volumes/v1.43'), { version: undefined, path: '/volumes/v1.43' });
    assert.equal(apiMinor('1.43'), 43);
    assert.equal(apiMinor('1'), 0);
  });
});
