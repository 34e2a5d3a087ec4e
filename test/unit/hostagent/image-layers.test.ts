import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createHash } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callbackify } from 'node:util';
import tar from 'tar-stream';
import { blobDigest, presentLayers } from '../../../src/hostagent/images/layers.ts';
import { createThinArchives } from '../../../src/hostagent/images/thin-archive.ts';

const hex = (data: string): string => createHash('sha256').update(data).digest('hex');
const digest = (data: string): string => `sha256:${hex(data)}`;

describe('layers that need not be sent', () => {
  it('are those at the same place on the same layers, but for one that comes again above', () => {
    assert.deepEqual(
      presentLayers(
        ['a', 'b', 'c'],
        [
          ['a', 'x'],
          ['a', 'b', 'y'],
          ['b', 'c'],
        ],
      ),
      ['a', 'b'],
    );
    assert.deepEqual(presentLayers(['a', 'b'], []), []);
    assert.deepEqual(presentLayers(['a', 'b', 'a'], [['a', 'b']]), ['b'], 'the upper a is to be loaded from a file');
    assert.deepEqual(presentLayers(['a', 'a', 'b'], [['a', 'a']]), ['a']);
    assert.deepEqual(presentLayers(['a'], [['a', 'b', 'c']]), ['a']);
    assert.equal(blobDigest(`blobs/sha256/${hex('x')}`), digest('x'));
    for (const other of ['manifest.json', `blobs/sha256/${hex('x')}/layer.tar`, `${hex('x')}.json`])
      assert.equal(blobDigest(other), undefined);
  });
});

describe('an image’s archive without layers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arpanet-thin-'));
  const thin = createThinArchives(join(folder, 'copies'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const archiveOf = (entries: readonly (readonly [name: string, data: string])[]): Readable => {
    const pack = tar.pack();
    for (const [name, data] of entries) pack.entry({ name }, data);
    pack.entry({ name: 'alias/layer.tar', type: 'symlink', linkname: '../a/layer.tar' });
    pack.finalize();
    return new Readable().wrap(pack);
  };
  const filesIn = async (archive: Readable): Promise<Record<string, string>> => {
    const files: Record<string, string> = {};
    const extract = tar.extract();
    extract.on('entry', (header, stream, next) => {
      const read = async (): Promise<void> => {
        const data = await buffer(stream);
        files[header.name] = header.linkname ?? data.toString();
      };
      callbackify(read)(next);
    });
    await new Promise((resolve, reject) => archive.pipe(extract).once('finish', resolve).once('error', reject));
    return files;
  };
  const [low, top] = ['l'.repeat(100_000), 't'.repeat(50)];

  it('has everything else as it was, in the archives of newer and of older Engines, and leaves no file behind', async () => {
    const named = [
      [`blobs/sha256/${hex(low)}`, low],
      [`blobs/sha256/${hex(top)}`, top],
      ['manifest.json', '[]'],
    ] as const;
    const link = { 'alias/layer.tar': '../a/layer.tar' };
    assert.deepEqual(await filesIn(await thin.without(archiveOf(named), new Set([digest(low)]))), {
      [`blobs/sha256/${hex(top)}`]: top,
      'manifest.json': '[]',
      ...link,
    });
    const unnamed = [
      [`${hex('1')}/VERSION`, '1.0'],
      [`${hex('1')}/layer.tar`, low],
      [`${hex('2')}/layer.tar`, top],
      ['manifest.json', '[]'],
    ] as const;
    assert.deepEqual(await filesIn(await thin.without(archiveOf(unnamed), new Set([digest(low)]))), {
      [`${hex('1')}/VERSION`]: '1.0',
      [`${hex('2')}/layer.tar`]: top,
      'manifest.json': '[]',
      ...link,
    });
    assert.deepEqual(readdirSync(join(folder, 'copies')), []);
  });

  it('ends with the error of an archive that is cut off', async () => {
    const whole = await buffer(archiveOf([[`${hex('1')}/layer.tar`, low]]));
    const cut = await thin.without(Readable.from([whole.subarray(0, 20_000)]), new Set());
    await assert.rejects(buffer(cut));
    for (let i = 0; i < 200 && readdirSync(join(folder, 'copies')).length > 0; i++) await sleep(10);
    assert.deepEqual(readdirSync(join(folder, 'copies')), []);
  });
});
