import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { execOf, parseHooks } from '../../../src/text/hooks-label.ts';

describe('the label of commands around a start and a stop', () => {
  it('is read as it was written, and becomes what an Engine is asked', () => {
    const hook = { command: ['warm', 'up'], user: 'root', privileged: true as const, workingDir: '/srv', env: ['A=1'] };
    const read = parseHooks(JSON.stringify({ post_start: [hook], pre_stop: [{ command: ['drain'] }] }));
    assert.deepEqual(read, { post_start: [hook], pre_stop: [{ command: ['drain'] }] });
    assert.deepEqual(execOf(hook), { Cmd: ['warm', 'up'], User: 'root', Privileged: true, WorkingDir: '/srv', Env: ['A=1'] });
    assert.deepEqual(execOf({ command: ['drain'] }), { Cmd: ['drain'] });
  });

  it('is nothing where it cannot be read', () => {
    const odd = ['', 'x', '[]', '{"post_start":{}}', '{"later":[]}', '{"post_start":[{"command":"x"}]}', '{"post_start":[{"command":[]}]}'];
    const wrong = ['{"pre_stop":[{"command":["x"],"user":7}]}', '{"pre_stop":[{"command":["x"],"env":"A=1"}]}'];
    for (const text of [...odd, ...wrong]) assert.equal(parseHooks(text), undefined, text);
  });
});
