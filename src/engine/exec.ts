/** A command run to its end in a container (Docker API v1.24, `POST /containers/{id}/exec`). Effects: those of the access that it is given. */
import { ArpanetError, type Json } from '../model/index.ts';
import { LogLines } from './log-lines.ts';

/** How an Engine, or the cluster's endpoint, is asked. Paths have no version. */
export interface ExecAccess {
  readonly json: <T>(method: 'GET' | 'POST', path: string, body?: unknown) => Promise<T>;
  readonly open: (path: string, body: unknown) => Promise<AsyncIterable<unknown>>;
}

const LINE_BYTES = 400;

/** `exec`: the body of the create. Throws `conflict` with what the command printed last when it exits with another status than 0; as the access does. */
export async function runToEnd(access: ExecAccess, container: string, exec: Json, what: string): Promise<void> {
  const body = { ...exec, AttachStdout: true, AttachStderr: true };
  const { Id } = await access.json<{ readonly Id: string }>('POST', `/containers/${container}/exec`, body);
  let last = '';
  for await (const { line } of new LogLines(false, LINE_BYTES).of(await access.open(`/exec/${Id}/start`, { Detach: false, Tty: false })))
    last = line.toString().trim() || last;
  const { ExitCode } = await access.json<{ readonly ExitCode: number | null }>('GET', `/exec/${Id}/json`);
  if (ExitCode === 0) return;
  throw new ArpanetError('conflict', `${what} exited with status ${String(ExitCode)}${last === '' ? '' : `: ${last}`}`);
}
