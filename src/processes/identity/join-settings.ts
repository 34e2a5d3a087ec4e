/** What a scheduler shows to hosts that want to join. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type CertificateAuthority, writeJoinToken } from '../../security/index.ts';
import { parseHostPort } from '../../text/host-port.ts';
import type { SchedulerSettings } from '../scheduler-settings.ts';

/** With the fingerprint of the CA, where hosts join by TLS. */
export function tokenToShow(
  { token, ca }: { readonly token: () => string; readonly ca: CertificateAuthority | undefined },
  settings: Pick<SchedulerSettings, 'listen' | 'alsoListen'>,
): string {
  return servesTls(settings) && ca !== undefined ? writeJoinToken(token(), ca.fingerprint) : token();
}

/** It has an address with TLS. */
export const servesTls = ({ listen, alsoListen }: Pick<SchedulerSettings, 'listen' | 'alsoListen'>): boolean =>
  [listen, ...alsoListen].some((one) => 'isTls' in one && one.isTls === true);

/** Takes the same time for any text. */
export function isSame(shown: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}

/** The names and addresses at which clients reach a scheduler, for its certificate. */
export function namesOf({
  hostNames = [],
  listen,
  alsoListen,
  advertise,
}: Pick<SchedulerSettings, 'hostNames' | 'listen' | 'alsoListen' | 'advertise'>): readonly string[] {
  const listening = [listen, ...alsoListen].flatMap((one) => ('host' in one ? [one.host] : []));
  const all = [...hostNames, ...listening, parseHostPort(new URL(advertise).host, 443)?.host ?? '', 'localhost', '127.0.0.1'];
  return [...new Set(all)].filter((name) => name !== '' && name !== '0.0.0.0' && name !== '::' && /^[\w.:*-]+$/.test(name));
}
