/** `arpanet ui`: the link that opens the dashboard, signed in. Effects: an HTTP request, the terminal, a browser where there is a screen. */
import { spawn } from 'node:child_process';
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

const TIMEOUT_MS = 15_000;

export interface UiFlags extends ClientFlags {
  readonly open: boolean;
}

/** Without TLS who reaches the address is an administrator, and needs no code. Throws `invalid` for a Unix socket, which no browser reaches. */
export async function openUi(flags: UiFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  if (api.url.startsWith('unix:'))
    throw new ArpanetError('invalid', `no browser reaches ${api.url}: give the address of a scheduler (--endpoint tcp://HOST:PORT)`);
  const isSecure = api.url.startsWith('https:');
  const signIn = isSecure ? await api.v1.call('postSignIns', {}, { timeoutMs: TIMEOUT_MS }) : undefined;
  const url = `${api.url}/ui/${signIn === undefined ? '' : `sign-in#${signIn.code}`}`;
  show({ url, ...(signIn && { untilMs: signIn.untilMs }) }, () => url);
  if (signIn !== undefined) terminal.say('It signs in once, within a minute.');
  if (flags.open && flags.json !== true && terminal.isTerminal) openBrowser(url);
}

/** Where there is no screen it fails, and the link is enough. The address is in the arguments of a process of this user until it has been used. */
function openBrowser(url: string): void {
  const child = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [url], { detached: true, stdio: 'ignore' });
  // it is not installed: the link is on the screen
  child.once('error', () => undefined);
  child.unref();
}
