import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { failureIn, pullPath } from '../../../src/engine/work-stream.ts';

const failure = (...chunks: readonly string[]) => failureIn(Readable.from(chunks.map((chunk) => Buffer.from(chunk))));

describe('a pull or load', () => {
  it('has failed when its stream has an error, wherever the stream is cut', async () => {
    assert.equal(
      await failure('{"status":"Pulling"}\n', '{"errorDetail":{"message":"no \\"x\\""},"er', 'ror":"no \\"x\\""}\r\n'),
      'no "x"',
    );
  });

  it('has not failed when an image is only called so, or a line is no JSON', async () => {
    assert.equal(await failure('{"status":"error","id":"errorDetail"}\nLoaded image: "error":"x"\n'), undefined);
    assert.equal(await failure(), undefined);
  });

  it('is asked for with a tag', () => {
    assert.equal(pullPath('registry:5000/a'), '/images/create?fromImage=registry%3A5000%2Fa%3Alatest');
    assert.equal(pullPath('a@sha256:1'), '/images/create?fromImage=a%40sha256%3A1');
  });
});
