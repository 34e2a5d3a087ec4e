import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { lines } from '../../../src/engine/lines.ts';

async function linesOf(chunks: readonly Buffer[], limitBytes?: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of lines(Readable.from(chunks), limitBytes)) found.push(line);
  return found;
}
const bytes = (...texts: readonly string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text, 'latin1'));

describe('lines of a stream', () => {
  it('come whole, however they are cut', async () => {
    assert.deepEqual(await linesOf(bytes('{"a":', '1}\n{"b"', ':2}\n\n{"c":3', '}\n')), ['{"a":1}', '{"b":2}', '{"c":3}']);
  });
  it('keep a letter that was cut in two', async () => {
    assert.deepEqual(await linesOf(bytes('"\xc3', '\xa9"\n')), ['"é"']);
  });
  it('drop what its sender did not finish', async () => {
    assert.deepEqual(await linesOf(bytes('{"a":1}\n{"b"')), ['{"a":1}']);
  });
  it('are refused past their limit, finished or not', async () => {
    await assert.rejects(linesOf(bytes('x'.repeat(101)), 100), { kind: 'too-large' });
    await assert.rejects(linesOf(bytes('x'.repeat(60), `${'x'.repeat(60)}\n`), 100), { kind: 'too-large' });
  });
  it('are put together when they were cut anywhere, also within a character', async () => {
    const whole = Buffer.from('{"a":"é"}\n\n{"b":1}\nunfinished');
    const every = Array.from(whole, (byte) => Buffer.from([byte]));
    assert.deepEqual(await linesOf(every), ['{"a":"é"}', '{"b":1}']);
    assert.deepEqual(await linesOf([whole]), ['{"a":"é"}', '{"b":1}']);
  });
  it('may come as texts, from a stream that has an encoding', async () => {
    const stream = Readable.from(bytes('"\xc3', '\xa9"\n'), { objectMode: false }).setEncoding('utf8');
    const found: string[] = [];
    for await (const line of lines(stream)) found.push(line);
    assert.deepEqual(found, ['"é"']);
  });
});
