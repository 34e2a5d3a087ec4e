/** `arpanet user add` and `renew`. The key is made here, and never leaves this machine. Effects: HTTP requests, files, the terminal. */
import type { UserBundle, UserRequest } from '../../../operator-api/index.ts';
import { newKeyPair } from '../../../security/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { userText } from '../../output/users.ts';
import { ttlOf } from '../../times.ts';
import { type BundleFlags, tlsAddress, type UserFlags, writeBundle } from './bundle.ts';

/** Throws `invalid` for an unknown role, `conflict` for a name that a user has. */
export async function addUser(name: string, flags: UserFlags, terminal: Terminal): Promise<void> {
  const { role = '', deployments = [] } = flags;
  const request = { name, role, deployments, ...ttlOf(flags.ttl) };
  await askFor('/arpanet/v1/users', name, request, flags, terminal, flags.certificate !== false);
}

export async function renewUser(name: string, flags: ClientFlags & BundleFlags, terminal: Terminal): Promise<void> {
  await askFor(`/arpanet/v1/users/${encodeURIComponent(name)}/renew`, name, ttlOf(flags.ttl), flags, terminal, true);
}

async function askFor(
  path: string,
  name: string,
  request: UserRequest,
  flags: ClientFlags & BundleFlags,
  terminal: Terminal,
  isCertified: boolean,
): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const address = tlsAddress(flags.host, api.url);
  const keys = isCertified ? newKeyPair() : undefined;
  const { user, certificate, ca } = await api.json<UserBundle>(path, {
    method: 'POST',
    body: { ...request, ...(keys === undefined ? {} : { publicKey: keys.publicKey }) },
  });
  if (keys === undefined || certificate === undefined || ca === undefined) return show(user, userText);
  const typed = await writeBundle(name, { ca, certificate, key: keys.privateKey }, address, flags);
  show({ ...user, type: typed }, () => `${userText(user)}\n${typed.join('\n')}`);
}
