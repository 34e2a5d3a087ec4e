/** What the commands have in common that change hosts. Effects: an HTTP request, the terminal. */
import { apiClient } from '../../api-client.ts';
import type { ClientFlags, Terminal } from '../../command.ts';
import { runWork } from '../../output/work.ts';

/** A path below `/arpanet/v1/hosts/HOST`. */
export const hostPath = (host: string, verb = ''): string => `/arpanet/v1/hosts/${encodeURIComponent(host)}${verb}`;

/** The result of work that the leader reports on; its progress on standard error unless `--json`. Errors: those of `ApiClient.work`. */
export async function hostWork<T>(path: string, body: object, flags: ClientFlags, { env, say }: Terminal): Promise<T> {
  return runWork<T>(apiClient(flags, env), path, body, { say, isQuiet: flags.json === true });
}
