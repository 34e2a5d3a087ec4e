import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GO_MAX_DEPTH, scanJson } from '../../../src/docker-json/scan.ts';

const goJsonError = (text: string): string | undefined => scanJson(text).error;

/** Each as Go 1.22 says it of the same text. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['{invalid json', "invalid character 'i' looking for beginning of object key string"],
  ['nonsense', "invalid character 'o' in literal null (expecting 'u')"],
  ['garbage', "invalid character 'g' looking for beginning of value"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ["{'a':1}", String.raw`invalid character '\'' looking for beginning of object key string`],
  ['{"a":"\n"}', String.raw`invalid character '\n' in string literal`],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ['{"a":"\\u12g4"}', String.raw`invalid character 'g' in \u hexadecimal character escape`],
  ['{"a":-}', "invalid character '}' in numeric literal"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
  ['{"a":', 'unexpected EOF'],
  ['{"a":"b', 'unexpected EOF'],
  ['é', "invalid character 'Ã' looking for beginning of value"],
  ['\uFEFF{}', "invalid character 'ï' looking for beginning of value"],
  ['[\u0000]', String.raw`invalid character '\x00' looking for beginning of value`],
  ['[1\u007F]', String.raw`invalid character '\x7f' after array element`],
  ['[1\\]', String.raw`invalid character '\\' after array element`],
];

describe('a text that is no JSON', () => {
  for (const [text, words] of REFUSED) {
    it(`is refused as Go does: ${JSON.stringify(text)}`, () => assert.equal(goJsonError(text), words));
  }

  it('is not JSON although it begins with a whole value', () => {
    for (const text of ['{}', ' {"a":[1,-0.5e+3,"\\u00e9\\n",true,false,null,{}]} ', '{} and more'])
      assert.equal(goJsonError(text), undefined);
  });

  it('may be nested 10,000 levels deep and no deeper, and no depth exhausts the stack', () => {
    const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${']}'.repeat(depth / 2)}`;
    assert.equal(goJsonError(nested(GO_MAX_DEPTH)), undefined);
    for (const text of [nested(GO_MAX_DEPTH + 2), '['.repeat(1_000_000), '{"a":'.repeat(1_000_000)])
      assert.equal(goJsonError(text), `invalid character '${text.charAt(0)}' exceeded max depth`);
  });

  it('ends where its value ends', () => assert.equal(scanJson(' {"a":[1,"}"]} x').end, 14));
});
