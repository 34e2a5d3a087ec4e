/** What the commands have in common that change hosts. Effects: an HTTP request, the terminal. */
import type { Answer, Given } from '../../../client/index.ts';
import { apiClient } from '../../api-client.ts';
import type { ClientFlags, Terminal } from '../../command.ts';
import { runWork, type WorkName } from '../../output/work.ts';

/** The result of work that the leader reports on; its progress on standard error unless `--json`. Errors: those of `ApiClient`. */
export async function hostWork<Name extends WorkName>(
  name: Name,
  given: Given<Name>,
  flags: ClientFlags,
  { env, say }: Terminal,
): Promise<Answer<Name>> {
  return runWork(apiClient(flags, env), name, given, { say, isQuiet: flags.json === true });
}
