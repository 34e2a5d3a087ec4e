/** What the commands have in common that change services: the leader's progress on standard error, its result as JSON on request. Effects: HTTP, the terminal. */
import type { Answer, Given } from '../../../client/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { runWork, type WorkName } from '../../output/work.ts';

/** Errors: those of `ApiClient`. */
export async function serviceWork<Name extends WorkName>(
  name: Name,
  body: Given<Name> extends { readonly body: infer Body } ? Body : never,
  flags: ClientFlags,
  terminal: Terminal,
): Promise<Answer<Name>> {
  const { api } = clientCall(flags, terminal);
  const result = await runWork(api, name, { body } as unknown as Given<Name>, { say: terminal.say, isQuiet: flags.json === true });
  if (flags.json === true) terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}
