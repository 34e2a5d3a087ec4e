import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { until } from '../../support/cluster/cluster.ts';
import { repository } from '../../support/cluster/paths.ts';

interface Options {
  readonly state: () => unknown;
  readonly build: () => boolean;
  readonly start: () => ChildProcess;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly pollMs: number;
}
const { restartOnChange } = (await import(pathToFileURL(join(repository, 'scripts', 'restart-on-change.mjs')).href)) as {
  readonly restartOnChange: (options: Options) => Promise<number>;
};

const isRunning = (child: ChildProcess | undefined) => child !== undefined && child.exitCode === null && child.signalCode === null;

/** `sources` is what the folder holds; a build fails while it is "broken". */
function dev(program: string) {
  const ending = new AbortController();
  const world = { sources: 'one', builds: 0, lines: [] as string[], children: [] as ChildProcess[] };
  const ended = restartOnChange({
    state: () => world.sources,
    build: () => {
      world.builds++;
      return world.sources !== 'broken';
    },
    start: () => {
      const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
      world.children.push(child);
      return child;
    },
    say: (line) => world.lines.push(line),
    signal: ending.signal,
    pollMs: 20,
  });
  return { world, ended, stop: () => ending.abort() };
}

describe('npm run dev', () => {
  it('starts the program again after a change, and only after one that builds', async () => {
    const { world, ended, stop } = dev('setInterval(() => {}, 1000)');
    await until('the program runs', () => isRunning(world.children[0]));
    world.sources = 'broken';
    await until('the change was built', () => world.builds === 2);
    assert.ok(isRunning(world.children[0]), 'a change that does not build leaves the running program alone');
    assert.match(world.lines.join('\n'), /build failed/);
    world.sources = 'two';
    await until('the new program runs', () => isRunning(world.children[1]));
    assert.ok(!isRunning(world.children[0]), 'the old program has ended before the new one starts');
    stop();
    assert.equal(await ended, 0);
    assert.ok(!isRunning(world.children[1]));
    assert.equal(world.children.length, 2);
  });

  it('ends with the exit code of a program that ends by itself', async () => {
    const { ended } = dev('process.exit(7)');
    assert.equal(await ended, 7);
  });
});
