/** Bodies read as Go reads them: what comes out, and what is refused in its words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { goDecode, GoJsonError } from '../../../src/docker-json/decode.ts';
import { goStruct } from '../../../src/docker-json/index.ts';
import { compileGoTypes } from '../../../src/docker-json/types.ts';
import { BAD_FIELD_BODIES } from '../../support/bad-bodies.ts';
import { fieldsOf, oddFor, textWith } from '../../support/bad-fields.ts';

const types = compileGoTypes({
  'a.Root': {
    Name: 'string',
    On: '*bool',
    Small: 'uint16',
    Big: 'int64',
    Huge: 'uint64',
    Ratio: 'float32',
    Wait: 'time.Duration',
    Words: 'strslice.StrSlice',
    List: '[]string',
    Pair: '[2]uint',
    Data: '[]byte',
    Labels: 'map[string]string',
    Inner: 'a.Inner',
    Pointed: '*a.Inner',
    Many: '[]*a.Inner',
    ById: 'map[string]*a.Inner',
    Lists: 'map[string][]string',
  },
  'a.Inner': { Key: 'string', Deeper: 'a.Deeper' },
  'a.Deeper': { Count: 'int' },
  'time.Duration': 'int64',
});
const root = types.get('a.Root') ?? assert.fail();
const read = (text: string) => goDecode(text, root).value;
const refusal = (text: string): string => {
  try {
    return `taken: ${JSON.stringify(read(text))}`;
  } catch (error) {
    assert.ok(error instanceof GoJsonError);
    return error.message;
  }
};

describe('the bodies of Docker’s API', () => {
  it('have Docker’s own spelling at every depth, however their keys are written; a map’s keys stay as they are', () => {
    const written = (path: readonly string[], spell: (key: string) => string) =>
      path.map((key) => (key === 'k' || /^\d+$/.test(key) ? key : spell(key)));
    let fields = 0;
    for (const { struct } of BAD_FIELD_BODIES) {
      const type = goStruct(struct);
      for (const { path, type: field } of fieldsOf(type)) {
        const value = oddFor(field).find(({ text }) => text !== 'null') ?? assert.fail(path.join('.'));
        const own = goDecode(textWith({}, path, value.text), type).value;
        for (const spell of [(key: string) => key.toLowerCase(), (key: string) => key.toUpperCase()]) {
          assert.deepEqual(goDecode(textWith({}, written(path, spell), value.text), type).value, own, `${struct} ${path.join('.')}`);
        }
        fields += 1;
      }
    }
    assert.ok(fields > 500, `${fields} fields`);
  });
});

describe('a body of Go’s types', () => {
  it('has Docker’s own spelling of its keys, whatever the client’s; what follows goes on with what was there', () => {
    assert.deepEqual(read('{"name":"x","INNER":{"key":"k"},"inner":{"deeper":{"COUNT":1}},"Li\\u017ft":["a"]}'), {
      Name: 'x',
      Inner: { Key: 'k', Deeper: { Count: 1 } },
      List: ['a'],
    });
  });

  it('takes null for absent, and unknown fields for none', () => {
    const text = `{"Name":null,"On":null,"Labels":null,"List":null,"Inner":null,"Pointed":null,"x":${'['.repeat(5_000)}${']'.repeat(5_000)},"Big":1}`;
    assert.deepEqual(read(text), { Big: 1 });
    assert.deepEqual(read('null'), {});
    assert.deepEqual(read('{"Labels":{"a":null},"List":[null],"ById":{"a":null}}'), { Labels: { a: '' }, List: [''], ById: { a: null } });
    assert.deepEqual(read('{"Lists":{"a":null,"b":[]}}'), { Lists: { a: null, b: [] } });
  });

  it('takes one word for a list of words, and what is missing of an array for zero', () => {
    assert.deepEqual(read('{"Words":"top","Pair":[1],"Data":"QQ=="}'), { Words: ['top'], Pair: [1, 0], Data: 'QQ==' });
    assert.deepEqual(read('{"Words":["a","b"],"Pair":[1,2,{"a":3}],"Data":[65]}'), { Words: ['a', 'b'], Pair: [1, 2], Data: 'QQ==' });
  });

  it('keeps every integer within its type’s range, also where JavaScript cannot hold it', () => {
    for (const [field, literal] of [
      ['Big', '9223372036854775807'],
      ['Big', '-9223372036854775808'],
      ['Huge', '18446744073709551615'],
    ] as const) {
      const again = JSON.stringify(read(`{"${field}":${literal}}`));
      assert.match(again, /\d{19}/);
      assert.doesNotThrow(() => read(again), again);
    }
  });

  it('gives a key called __proto__ as a key', () => {
    const { Labels } = read('{"Labels":{"__proto__":"x","constructor":"y"}}') as { Labels: object };
    assert.deepEqual(Object.entries(Labels), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    assert.deepEqual(read('{"__proto__":{"Name":"x"}}'), {});
  });

  it('takes the last of a key that is there twice, and goes on with what an earlier one gave a struct or map', () => {
    assert.deepEqual(read('{"Name":"a","Name":"b","On":true,"On":null,"Big":1,"big":2}'), { Name: 'b', Big: 2 });
    assert.deepEqual(read('{"Name":"a","Name":null,"List":["a","b"],"List":["c"]}'), { Name: 'a', List: ['c'] });
    assert.deepEqual(read('{"Labels":{"a":"1","b":"1"},"Labels":{"b":"2"}}'), { Labels: { a: '1', b: '2' } });
    assert.deepEqual(read('{"Inner":{"Key":"k"},"Inner":{"Deeper":{"Count":1}}}'), { Inner: { Key: 'k', Deeper: { Count: 1 } } });
    assert.deepEqual(read('{"Pointed":{"Key":"k"},"Pointed":null}'), {});
    assert.deepEqual(read('{"ById":{"a":{"Key":"k"},"a":{}}}'), { ById: { a: {} } });
  });

  it('names a key that an object has twice, as far as the struct goes', () => {
    const repeated = (text: string) => goDecode(text, root).repeated;
    assert.equal(repeated('{"Name":"a","nAME":"b"}'), 'Name');
    assert.equal(repeated('{"Name":"a","\\u006eame":"b"}'), 'Name');
    assert.equal(repeated('{"Inner":{"Deeper":{"Count":1,"count":2}}}'), 'Count');
    assert.equal(repeated('{"Labels":{"a":"1","a":"1"}}'), 'a');
    for (const text of ['{"Labels":{"a":"1","A":"1"}}', '{"Many":[{"Key":"k"},{"Key":"k"}]}', '{"other":1,"other":{"x":1,"x":1}}'])
      assert.equal(repeated(text), undefined, text);
  });

  it('keeps a NUL, and has U+FFFD where half a surrogate pair was written', () => {
    assert.deepEqual(read('{"Name":"a\\u0000b"}'), { Name: 'a\0b' });
    assert.deepEqual(read('{"Name":"a\\ud800b","List":["\\udc00","\\ud800\\ud83d\\ude00"]}'), {
      Name: 'a\uFFFDb',
      List: ['\uFFFD', '\uFFFD\u{1F600}'],
    });
    assert.deepEqual(read('{"Labels":{"\\udfff":"x"}}'), { Labels: { '\uFFFD': 'x' } });
  });

  const struct = 'json: cannot unmarshal';
  for (const [text, words] of [
    ['5', `${struct} number into Go value of type a.Root`],
    ['"x"', `${struct} string into Go value of type a.Root`],
    ['[]', `${struct} array into Go value of type a.Root`],
    ['{"Name":5}', `${struct} number into Go struct field Root.Name of type string`],
    ['{"Name":{}}', `${struct} object into Go struct field Root.Name of type string`],
    ['{"On":"yes"}', `${struct} string into Go struct field Root.On of type bool`],
    ['{"Small":65536}', `${struct} number 65536 into Go struct field Root.Small of type uint16`],
    ['{"Small":-1}', `${struct} number -1 into Go struct field Root.Small of type uint16`],
    ['{"Small":"1"}', `${struct} string into Go struct field Root.Small of type uint16`],
    ['{"Big":1.5}', `${struct} number 1.5 into Go struct field Root.Big of type int64`],
    ['{"Big":1e3}', `${struct} number 1e3 into Go struct field Root.Big of type int64`],
    ['{"Big":9223372036854775808}', `${struct} number 9223372036854775808 into Go struct field Root.Big of type int64`],
    ['{"Ratio":1e39}', `${struct} number 1e39 into Go struct field Root.Ratio of type float32`],
    ['{"Wait":"1s"}', `${struct} string into Go struct field Root.Wait of type time.Duration`],
    ['{"Words":5}', `${struct} number into Go struct field Root.Words of type string`],
    ['{"Words":[5]}', `${struct} number into Go struct field Root.Words of type string`],
    ['{"List":"x"}', `${struct} string into Go struct field Root.List of type []string`],
    ['{"List":[[]]}', `${struct} array into Go struct field Root.List of type string`],
    ['{"Labels":[]}', `${struct} array into Go struct field Root.Labels of type map[string]string`],
    ['{"Labels":{"a":5}}', `${struct} number into Go struct field Root.Labels of type string`],
    ['{"inner":{"key":5}}', `${struct} number into Go struct field Inner.Inner.Key of type string`],
    ['{"ById":{"a":{"Deeper":{"Count":true}}}}', `${struct} bool into Go struct field Deeper.ById.Deeper.Count of type int`],
    ['{"Many":5}', `${struct} number into Go struct field Root.Many of type []*a.Inner`],
    ['{"Many":[null]}', 'null is no element of struct field Root.Many'],
    ['{"Data":"***"}', 'illegal base64 data at input byte 0'],
    ['{"Data":"QUFBQQ"}', 'illegal base64 data at input byte 4'],
    ['{"Name":5', 'unexpected EOF'],
  ] as const) {
    it(`is refused as by Go: ${text}`, () => assert.equal(refusal(text), words));
  }

  it('is what JSON.parse makes of it where types and keys are right, whatever the texts', () => {
    const labels = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(labels, fc.array(fc.string({ unit: 'grapheme' })), fc.integer(), (Labels, List, Big) => {
        const body = { Labels, List, Big, Inner: { Key: JSON.stringify(Labels) } };
        const text = JSON.stringify(body, null, 2);
        assert.deepEqual(
          Object.entries((read(text) as { Labels: object }).Labels),
          Object.entries((JSON.parse(text) as { Labels: object }).Labels),
        );
        assert.deepEqual(JSON.stringify(read(text)), JSON.stringify(JSON.parse(text)));
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('throws nothing but its own refusal, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((text) => text.slice(0, -1)),
        ),
        (text) => {
          refusal(text);
          refusal(`{"Inner":${text},"List":${text},"Big":${text},"ById":{"a":${text}}}`);
        },
      ),
      { seed: 12, numRuns: 500 },
    );
  });
});
