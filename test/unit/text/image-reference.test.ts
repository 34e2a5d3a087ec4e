import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  byWholeName,
  familiarReference,
  imageName,
  isImageIdPrefix,
  parseImageReference,
  withDefaultTag,
} from '../../../src/text/image-reference.ts';

const hex = 'a'.repeat(64);

describe('the name of an image', () => {
  it('is familiar without the default registry', () => {
    assert.equal(imageName('docker.io/library/busybox:1'), 'busybox');
    assert.equal(imageName('index.docker.io/me/app'), 'me/app');
    assert.equal(imageName('localhost:5000/a/b:tag'), 'localhost:5000/a/b');
    assert.equal(imageName('localhost/a'), 'localhost/a');
    assert.equal(imageName('[::1]:5000/a:1'), '[::1]:5000/a');
    assert.equal(imageName('registry.example/library/x'), 'registry.example/library/x');
    assert.equal(imageName('docker.io/library/a/b'), 'library/a/b');
  });

  it('has a whole, a tag and a digest', () => {
    assert.deepEqual(parseImageReference('busybox:1.2'), {
      familiarName: 'busybox',
      wholeName: 'docker.io/library/busybox',
      tag: '1.2',
      digest: undefined,
    });
    assert.deepEqual(parseImageReference(`registry:5000/app:2@sha256:${hex}`), {
      familiarName: 'registry:5000/app',
      wholeName: 'registry:5000/app',
      tag: '2',
      digest: `sha256:${hex}`,
    });
  });

  it('is none in the cases that distribution/reference refuses', () => {
    const none = [
      '',
      ':1',
      '@sha256:abc',
      'Busybox',
      'a//b',
      '-a',
      'a_',
      'a___b',
      'a:',
      'a@sha256:abc',
      'x y',
      'dom_ain.com/a',
      `busybox:${'t'.repeat(129)}`,
    ];
    for (const text of [hex, ...none]) assert.equal(parseImageReference(text), undefined, text);
    assert.equal(imageName('Busybox:1'), 'Busybox:1');
  });

  it('is compared as Engines list it: with the tag latest where none is given, by digest where there is one', () => {
    const cases = [
      ['busybox', 'busybox:latest'],
      ['docker.io/library/busybox', 'busybox:latest'],
      ['docker.io/library/busybox:1', 'busybox:1'],
      ['index.docker.io/foo/bar:1', 'foo/bar:1'],
      ['localhost:5000/app', 'localhost:5000/app:latest'],
      ['registry:5000/a/b', 'registry:5000/a/b:latest'],
      [`app:1@sha256:${hex}`, `app@sha256:${hex}`],
      ['sha256:0123456789ab', 'sha256:0123456789ab'],
      [`sha256:${hex}`, `sha256:${hex}`],
      [hex, hex],
    ] as const;
    for (const [reference, familiar] of cases) assert.equal(familiarReference(reference), familiar);
  });

  it('gets the tag latest and is not shortened, where it is handed on', () => {
    for (const text of ['a', 'registry:5000/a', 'docker.io/library/a']) assert.equal(withDefaultTag(text), `${text}:latest`);
    for (const text of ['a:1', 'registry:5000/a:1', `a@sha256:${hex}`, hex]) assert.equal(withDefaultTag(text), text);
  });

  it('is sorted by its whole', () => {
    assert.deepEqual(['busybox:2', 'a.example/x:1', 'me/app:1', 'busybox:1'].toSorted(byWholeName), [
      'a.example/x:1',
      'busybox:1',
      'busybox:2',
      'me/app:1',
    ]);
  });

  it('may be the beginning of an id', () => {
    for (const text of ['a', 'aaaa', 'sha256:aa', hex, `sha256:${hex}`]) assert.ok(isImageIdPrefix(text, `sha256:${hex}`), text);
    for (const text of ['', 'b', 'sha256:', 'sha256', 'A', 'app']) assert.ok(!isImageIdPrefix(text, `sha256:${hex}`), text);
  });
});
