/** `arpanet user add` and `renew`. The key is made here, and never leaves this machine. Effects: HTTP requests, files, the terminal. */
import type { UserBundle } from '../../../operator-api/index.ts';
import { newKeyPair } from '../../../security/index.ts';
import type { ApiClient } from '../../api-client.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { userText } from '../../output/users.ts';
import { ttlOf } from '../../times.ts';
import { bundleFolder, type BundleFlags, tlsAddress, type UserFlags, writeBundle } from './bundle.ts';

/** Throws `invalid` for an unknown role, `conflict` for a name that a user has. */
export async function addUser(name: string, flags: UserFlags, terminal: Terminal): Promise<void> {
  const { role = '', deployments = [] } = flags;
  const request = { name, role, deployments, ...ttlOf(flags.ttl) };
  const ask = (api: ApiClient, publicKey?: string) => api.v1.call('postUsers', { body: { ...request, publicKey } });
  await askFor(ask, name, flags, terminal, flags.certificate !== false);
}

export async function renewUser(name: string, flags: ClientFlags & BundleFlags, terminal: Terminal): Promise<void> {
  const ask = (api: ApiClient, publicKey = '') => api.v1.call('postUsersRenew', { name, body: { ...ttlOf(flags.ttl), publicKey } });
  await askFor(ask, name, flags, terminal, true);
}

async function askFor(
  ask: (api: ApiClient, publicKey?: string) => Promise<UserBundle>,
  name: string,
  flags: ClientFlags & BundleFlags,
  terminal: Terminal,
  isCertified: boolean,
): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const address = tlsAddress(flags.host, api.url);
  if (!isCertified) return show((await ask(api)).user, userText);
  const folder = bundleFolder(name, flags);
  const { publicKey, privateKey: key } = newKeyPair();
  const {
    user,
    certificate = '',
    ca = '',
  } = await ask(api, publicKey).catch((error: unknown) => {
    folder.remove();
    throw error;
  });
  const typed = await writeBundle(name, { ca, certificate, key }, address, folder.dir);
  show({ ...user, type: typed }, () => `${userText(user)}\n${typed.join('\n')}`);
}
