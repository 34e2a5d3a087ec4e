import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { envFileOf } from '../../../src/compose/index.ts';

/** What `docker compose config` (2.40.3) makes of each, where SHELL_HAS is "it" in the environment; undefined: it refuses the file. */
const GOLDEN: readonly (readonly [text: string, found: Readonly<Record<string, string>> | undefined])[] = [
  ['A=b', { A: 'b' }],
  ['A= b ', { A: 'b' }],
  ['A=b c', { A: 'b c' }],
  ['A="b c"', { A: 'b c' }],
  ["A='b c'", { A: 'b c' }],
  ['A=b#c', { A: 'b#c' }],
  ['A=b #c', { A: 'b' }],
  ['A="b # c" # d', { A: 'b # c' }],
  ["A='b#c'", { A: 'b#c' }],
  ['A="b\\nc"', { A: 'b\nc' }],
  ["A='b\\nc'", { A: 'b\\nc' }],
  ['A=b\\nc', { A: 'b\\nc' }],
  ['export A=b', { A: 'b' }],
  ['A\n', {}],
  ['SHELL_HAS\n', { SHELL_HAS: 'it' }],
  ['A=', { A: '' }],
  ['A=""', { A: '' }],
  ['A="b\\"c"', { A: 'b"c' }],
  ["A='b\\'c'", { A: "b'c" }],
  ["A=it's", { A: "it's" }],
  ['A=b"c"', { A: 'b"c"' }],
  ['A: b', { A: 'b' }],
  ['  A=b', { A: 'b' }],
  ['A =b', { A: 'b' }],
  ['A="b\nc"', { A: 'b\nc' }],
  ["A='b\nc'", { A: 'b\nc' }],
  ['A=`b`', { A: '`b`' }],
  ['A=a=b=c', { A: 'a=b=c' }],
  ['# x\nA=b', { A: 'b' }],
  ['A=$B', { A: '' }],
  ['A=$SHELL_HAS', { A: 'it' }],
  ['B=1\nA=${B}x', { A: '1x', B: '1' }],
  ['B=1\nA="${B}x"', { A: '1x', B: '1' }],
  ["B=1\nA='${B}x'", { A: '${B}x', B: '1' }],
  ['A=${B:-c}', { A: 'c' }],
  ['A=$$B', { A: '$B' }],
  ['A="\\$B"', { A: '$B' }],
  ['A=b\r\nC=d', { A: 'b', C: 'd' }],
  ['A-B=c', { 'A-B': 'c' }],
  ['A.B=c', { 'A.B': 'c' }],
  ['A="b\\tc"', { A: 'b\tc' }],
  ['A="b\\\\n"', { A: 'b\\n' }],
  ['A="b\\qc"', { A: 'b\\qc' }],
  ['A="b\\0101c"', { A: 'bAc' }],
  ['A=b\t# c', { A: 'b\t# c' }],
  ['A=#b', { A: '#b' }],
  ['A="b"c\n', { A: 'b' }],
  ['A="b" C=d', { A: 'b', C: 'd' }],
  ['A=1 2  3', { A: '1 2  3' }],
  ['A="b', undefined],
  ['A=b\nA=c', { A: 'c' }],
  ['SHELL_HAS=other\nA=$SHELL_HAS', { A: 'it', SHELL_HAS: 'other' }],
  ['A!=b', undefined],
  ['A B=c', undefined],
  ['\n\nA=b\n\n#c\n  # d\n', { A: 'b' }],
  ['A="b"\nC="d"', { A: 'b', C: 'd' }],
  ["A=''", { A: '' }],
  ['A="', undefined],
  ['export\tA=b', { A: 'b' }],
  ['exportA=b', { exportA: 'b' }],
];

describe('an env file', () => {
  for (const [text, found] of GOLDEN) {
    it(`${JSON.stringify(text)} is ${found === undefined ? 'refused' : JSON.stringify(found)}, as docker compose reads it`, () => {
      const read = () => envFileOf(text, { SHELL_HAS: 'it' });
      if (found === undefined) assert.throws(read, { kind: 'invalid', message: /^line 1 of an env file/ });
      else assert.deepEqual(read(), found);
    });
  }

  it('has comments, quotes and export; a name alone is left out when nobody gives it a value', () => {
    assert.deepEqual(envFileOf('# c\nA=1\nexport B="two words"\nC=\'x\'\nD=a # b\n\nE'), { A: '1', B: 'two words', C: 'x', D: 'a' });
  });

  it('is refused with the number of the line', () => {
    assert.throws(() => envFileOf('A=1\n\nB="x\n'), { message: 'line 3 of an env file has a quote that is never closed: "x' });
  });
});
