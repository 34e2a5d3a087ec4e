/** `arpanet doctor`: the leader looks at all that the path from a container to a name consists of. Effects: HTTP requests, the terminal, the exit code. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { doctorText } from '../../output/doctor.ts';

/** Exit code 1 if a link is broken. */
export async function doctor(from: string, name: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const [links, { notes }] = await Promise.all([api.v1.call('getDoctor', { from, name }), api.v1.call('getStatus')]);
  show(links, (found) => [doctorText(found), ...notes.filter((note) => note.startsWith('INSECURE'))].join('\n'));
  if (links.some((link) => !link.isSound)) process.exitCode = 1;
}
