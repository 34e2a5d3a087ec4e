/** `arpanet dns ls`. Effects: HTTP requests, the terminal. */
import type { NamedInstance, OutsideName } from '../../../model/index.ts';
import { nameReports } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { namesText } from '../../output/names.ts';

export async function listNames(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const [instances, outside] = await Promise.all([
    api.json<readonly NamedInstance[]>('/arpanet/v1/names'),
    api.json<readonly OutsideName[]>('/arpanet/v1/records'),
  ]);
  show(nameReports(instances, outside), namesText);
}
