/** Programs that do not outlive the test that started them, however that ends: the kernel kills them with it. Effects: a process. */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

/** As `spawn`; `signal`: TERM for one that has something to take down; the process is the program's own (setpriv of util-linux, then exec). */
export function spawnMortal(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  signal: 'KILL' | 'TERM' = 'KILL',
): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', signal, command, ...args], options);
}
