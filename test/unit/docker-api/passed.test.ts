import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passedProblem } from '../../../src/docker-api/json/passed.ts';
import { ROUTES } from '../../../src/docker-api/routes.ts';

const JSON_TYPE = 'application/json';

describe('a body that goes to an Engine as it is', () => {
  const update = { struct: 'container.UpdateConfig', at: 'engine' } as const;
  const fault = (text: string, type = JSON_TYPE) => {
    const problem = passedProblem(update, Buffer.from(text), type);
    return problem && [problem.error.kind, problem.error.message, problem.isFatal];
  };

  it('is left to it, whatever is wrong with it, where it refuses that itself; the refusal is ready for what nobody can be asked about', () => {
    for (const good of ['', '{}', 'null', '{"memory":7,"Unknown":[null]}', '{"Ulimits":null}']) assert.equal(fault(good), undefined, good);
    assert.deepEqual(fault('{"Memory":"7"}'), [
      'invalid',
      'invalid JSON: json: cannot unmarshal string into Go struct field UpdateConfig.Memory of type int64',
      false,
    ]);
    assert.deepEqual(fault('{'), ['invalid', 'invalid JSON: unexpected EOF', false]);
    assert.deepEqual(fault('{}', 'text/plain'), [
      'invalid',
      "unsupported Content-Type header (text/plain): must be 'application/json'",
      false,
    ]);
  });

  it('never gets there where an Engine would fall over it', () => {
    for (const list of ['Ulimits', 'BlkioWeightDevice']) assert.equal(fault(`{"${list}":[null]}`)?.[2], true, list);
  });

  it('of credentials is refused here: Engines take all that is wrong with it for their own fault, and fall over null', () => {
    const login = (text: string) => passedProblem({ struct: 'types.AuthConfig', at: 'endpoint' }, Buffer.from(text), 'text/plain');
    for (const good of ['{}', '{"username":"a"} more', '{"USERNAME":"a"}']) assert.equal(login(good), undefined, good);
    for (const [text, message] of [
      ['', 'EOF'],
      [' \n', 'EOF'],
      ['null', 'null is no credentials'],
      ['{', 'unexpected EOF'],
      ['[]', 'json: cannot unmarshal array into Go value of type types.AuthConfig'],
      ['{"username":7}', 'json: cannot unmarshal number into Go struct field AuthConfig.username of type string'],
    ] as const) {
      const problem = login(text);
      assert.deepEqual([problem?.error.kind, problem?.error.message, problem?.isFatal], ['invalid', message, true], text);
    }
  });

  it('has a struct on every route that passes one on', () => {
    const structs = ROUTES.flatMap(({ passes }) => passes?.struct ?? []);
    assert.equal(structs.length, 5);
    for (const struct of structs) assert.equal(passedProblem({ struct, at: 'engine' }, Buffer.from('{}'), JSON_TYPE), undefined, struct);
  });
});
