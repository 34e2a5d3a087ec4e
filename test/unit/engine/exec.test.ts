/** A command that is run to its end: what it is asked of, and what is said when it fails. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ExecAccess, runToEnd } from '../../../src/engine/exec.ts';

/** A piece of its output, as an Engine frames it. */
const framed = (text: string, stream = 1): Buffer => {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

function engine(exitCode: number | null, output: Buffer): { readonly access: ExecAccess; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  async function* inPieces() {
    for (let at = 0; at < output.length; at += 5) yield output.subarray(at, at + 5);
  }
  return {
    asked,
    access: {
      json: async <T>(method: string, path: string, body?: unknown) => {
        asked.push([method, path, body]);
        return (path.endsWith('/exec') ? { Id: 'e1' } : { ExitCode: exitCode }) as T;
      },
      open: async (path, body) => {
        asked.push(['open', path, body]);
        return inPieces();
      },
    },
  };
}

describe('a command in a container', () => {
  it('is waited for, whatever it prints', async () => {
    const { access, asked } = engine(0, framed('fine\n'));
    await runToEnd(access, 'c1', { Cmd: ['warm'] }, 'web: warm');
    assert.deepEqual(asked, [
      ['POST', '/containers/c1/exec', { Cmd: ['warm'], AttachStdout: true, AttachStderr: true }],
      ['open', '/exec/e1/start', { Detach: false, Tty: false }],
      ['GET', '/exec/e1/json', undefined],
    ]);
  });

  it('that fails says its status and its last line', async () => {
    const failing = engine(3, Buffer.concat([framed('trying\n'), framed('no such table\n\n', 2)])).access;
    await assert.rejects(runToEnd(failing, 'c1', {}, 'web: migrate'), {
      kind: 'conflict',
      message: 'web: migrate exited with status 3: no such table',
    });
    await assert.rejects(runToEnd(engine(null, Buffer.alloc(0)).access, 'c1', {}, 'web: migrate'), {
      message: 'web: migrate exited with status null',
    });
  });
});
