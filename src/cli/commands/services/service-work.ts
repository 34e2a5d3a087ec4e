/** What the commands have in common that change services: the leader's progress on standard error, its result as JSON on request. Effects: HTTP, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { runWork } from '../../output/work.ts';

/** `path` is below `/arpanet/v1/services/`. Errors: those of `ApiClient.work`. */
export async function serviceWork(path: string, body: unknown, flags: ClientFlags, terminal: Terminal): Promise<unknown> {
  const { api } = clientCall(flags, terminal);
  const result = await runWork<unknown>(api, `/arpanet/v1/services/${path}`, body, { say: terminal.say, isQuiet: flags.json === true });
  if (flags.json === true) terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}
