import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createConsulQuestions } from '../../../src/hostagent/stream/consul-questions.ts';
import type { AgentMessage } from '../../../src/model/wire.ts';

describe('queries for Consul’s DNS', () => {
  it('go to the leader, and each gets its own answer, or none', async () => {
    const sent: AgentMessage[] = [];
    const questions = createConsulQuestions({ send: (message) => void sent.push(message), isJoined: () => true });
    const [one, two] = [questions.ask(Buffer.from('one'), 'udp'), questions.ask(Buffer.from('two'), 'tcp')];
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    assert.deepEqual(sent, [
      { type: 'ask-consul', ask: 1, query: base64('one'), transport: 'udp' },
      { type: 'ask-consul', ask: 2, query: base64('two'), transport: 'tcp' },
    ]);
    questions.answered({ type: 'consul-answer', ask: 2, answer: base64('second') });
    questions.answered({ type: 'consul-answer', ask: 1 });
    questions.answered({ type: 'consul-answer', ask: 1, answer: base64('too late') });
    assert.equal((await two)?.toString(), 'second');
    assert.equal(await one, undefined);
  });
  it('have no answer at once where no leader is connected', async () => {
    const questions = createConsulQuestions({ send: () => assert.fail('to nobody'), isJoined: () => false });
    assert.equal(await questions.ask(Buffer.from('one'), 'udp'), undefined);
  });
});
