/** What becomes of streams that a scheduler still carries after it led, when their host dies. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { endWithHost } from '../../../src/scheduler/agents/left-streams.ts';

describe('streams that go on after a leadership', () => {
  // the pauses between looks keep no process alive
  const alive = setInterval(() => undefined, 1_000);
  after(() => clearInterval(alive));
  function left(answers: readonly boolean[]) {
    let open = 2;
    const cut: Error[] = [];
    let asked = 0;
    const agent = {
      open: () => open,
      cut: (error: Error) => {
        cut.push(error);
        open = 0;
      },
    };
    const reaches = async (): Promise<boolean> => {
      const does = answers[asked++];
      if (does === undefined) open = 0; // its clients have left
      return does ?? true;
    };
    return { agent, cut, reaches, asked: () => asked };
  }

  it('end when nothing answers at their host any more, with that reason', async () => {
    const { agent, cut, reaches } = left([true, false, false, true, false, false, false, true]);
    await endWithHost('h2', agent, reaches, 1);
    assert.deepEqual(
      cut.map(({ message }) => message),
      ['host h2 does not answer any more'],
    );
  });

  it('go on while it answers, and nobody asks once they have ended', async () => {
    const { agent, cut, reaches, asked } = left([true, false, true, true]);
    await endWithHost('h2', agent, reaches, 1);
    assert.deepEqual([cut.length, asked()], [0, 5]);
  });
});
