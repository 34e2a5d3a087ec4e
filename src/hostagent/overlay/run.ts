/**
 * Effects: runs the kernel's tools (`ip`, `bridge`, `ebtables`, `iptables`, `nsenter`) by a shell that stays. To start a process copies the page
 * tables of the one that starts it: 3 ms of processor time from an agent of 100 MB, 0.5 ms from a shell, and the agent answers meanwhile.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { ArpanetError } from '../../model/errors.ts';

const TIMEOUT_MS = 10_000;
const MOST_CHARACTERS = 64 * 1024 * 1024;
/** So many shells wait for the next command: a pass asks two tools at a time. */
const IDLE_SHELLS = 2;
/** What a shell exits with for a command that does not exist (POSIX, Shell Command Language, section 2.8.2). */
const NOT_FOUND = 127;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
interface Shell {
  /** Resolves with undefined when the shell ended before the command did, or the command was not done in time. */
  readonly run: (script: string) => Promise<Ended | undefined>;
  readonly end: () => void;
}

const idle: Shell[] = [];

/** Runs a command with `input` as its stdin, and resolves with its stdout. Throws `unavailable` with its stderr, after 10 s at the latest. */
export async function run(command: string, args: readonly string[], input = ''): Promise<string> {
  const shell = idle.pop() ?? startShell();
  const ended = await shell.run(scriptOf([command, ...args], input));
  if (ended?.code === 0) return ended.stdout;
  throw new ArpanetError('unavailable', `${command} ${args.join(' ')}: ${whyFailed(ended)}`);
}

/** Of one that does not exist, and of no other, callers give the work to another command. */
function whyFailed(ended: Ended | undefined): string {
  if (ended === undefined) return `not done within ${TIMEOUT_MS / 1000} s, or its shell was ended`;
  return ended.code === NOT_FOUND ? 'cannot be run' : ended.stderr.trim() || `ended with ${ended.code}`;
}

/** The same for a command that prints JSON: its list. */
export const runJson = async <T>(command: string, args: readonly string[]): Promise<T[]> =>
  JSON.parse((await run(command, args)) || '[]') as T[];

/** Ends the shells that wait. Those of later commands have the environment that this process has then. */
export function endShells(): void {
  for (const shell of idle.splice(0)) shell.end();
}

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** The words as they are, none of them read by the shell; the input as a here-document (section 2.7.4). */
function scriptOf(words: readonly string[], input: string): string {
  const command = words.map(quoted).join(' ');
  if (input === '') return `${command} </dev/null`;
  const end = `end-${randomUUID()}`;
  return `${command} <<'${end}'\n${input.replace(/\n$/, '')}\n${end}`;
}

/** A shell runs one command at a time, goes back among the idle ones after it, and does not keep this process alive between two. */
function startShell(): Shell {
  const mark = randomUUID();
  // a group of its own: a command that hangs is ended with its shell
  const child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  // a process that may open no more files has a child without pipes (Node, child_process.spawn)
  if ((child.stdin as Writable | null | undefined) == null) {
    child.on('error', () => undefined);
    return { run: async () => undefined, end: () => undefined };
  }
  let settle: ((ended: Ended | undefined) => void) | undefined;
  let stdout = '';
  let stderr = '';
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  };
  const done = (ended: Ended | undefined): void => {
    const resolve = settle;
    settle = undefined;
    resolve?.(ended);
  };
  // behind the marks may be words of what the command left behind: a daemon says some until it has let go of its pipes
  const look = (): void => {
    const [out, said] = [stdout.indexOf(mark), stderr.indexOf(mark)];
    const code = out < 0 ? undefined : /^(\d+)\n/.exec(stdout.slice(out + mark.length))?.[1];
    if (code === undefined || said < 0) {
      if (stdout.length + stderr.length > MOST_CHARACTERS) kill();
      return;
    }
    done({ code: Number(code), stdout: stdout.slice(0, out), stderr: stderr.slice(0, said) });
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((stdout += text), look()));
  child.stderr.setEncoding('utf8').on('data', (text: string) => ((stderr += text), look()));
  child.stdin.on('error', () => undefined);
  child
    .once('error', () => done(undefined))
    .once('exit', () => {
      const at = idle.indexOf(shell);
      if (at >= 0) idle.splice(at, 1);
      done(undefined);
    });
  hold(child, false);

  const shell: Shell = {
    end: () => child.stdin.end(),
    run: (script) =>
      new Promise((resolve) => {
        const timer = setTimeout(kill, TIMEOUT_MS);
        stdout = '';
        stderr = '';
        settle = (ended) => {
          clearTimeout(timer);
          hold(child, false);
          if (ended !== undefined && idle.length < IDLE_SHELLS) idle.push(shell);
          else shell.end();
          resolve(ended);
        };
        hold(child, true);
        child.stdin.write(`${script}\nprintf '${mark}%d\\n' $?; printf '${mark}' >&2\n`);
      }),
  };
  return shell;
}

/** Whether this process stays alive for the shell's sake. */
function hold(child: ChildProcessByStdio<Writable, Readable, Readable>, isHeld: boolean): void {
  for (const part of [child, child.stdin as Socket, child.stdout as Socket, child.stderr as Socket])
    if (isHeld) part.ref();
    else part.unref();
}
