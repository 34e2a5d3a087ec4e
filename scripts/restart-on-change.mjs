import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs a program, and starts it again after each change that builds. A change that does not build leaves the running program alone.
 * `state()` is any value that differs after a change, `build()` returns whether it succeeded, `start()` returns a ChildProcess. Resolves with the
 * program's exit code when it ends by itself, or with 0 once `signal` is aborted and the program has ended.
 */
export async function restartOnChange({ state, build, start, say, signal, pollMs = 300 }) {
  let child;
  let built;
  let last;
  while (!signal.aborted) {
    const now = JSON.stringify(state());
    // two equal looks: an editor or git may still be writing
    if (now !== built && (now === last || built === undefined)) {
      built = now;
      if (build()) {
        if (child !== undefined) say('restarting');
        await stop(child);
        child = start();
      } else say(child === undefined ? 'the build failed: waiting for a change' : 'the build failed: the running cluster is left as it is');
    }
    last = now;
    if (child !== undefined && hasEnded(child)) return child.exitCode ?? 1;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
  await stop(child);
  return 0;
}

const hasEnded = (child) => child.exitCode !== null || child.signalCode !== null;

async function stop(child) {
  if (child === undefined || hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
