/**
 * The session of a browser: a cookie that says whose certificate it stands for, signed with a secret that schedulers alone have, so that any scheduler
 * knows it. It gives nothing by itself: at each request that certificate's holder is looked up, as if it had been shown. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Client } from './client.ts';

const COOKIE = 'arpanet-session';
/** Where a code of a link becomes a session. */
export const SESSION_PATH = '/arpanet/v1/session';
/** A working day. */
const VALID_MS = 12 * 3_600_000;

const macOf = (secret: string, text: string): Buffer => {
  const key = createHmac('sha256', secret).update('arpanet: the session of a browser').digest();
  return createHmac('sha256', key).update(text).digest();
};

/** The value of `Set-Cookie` (RFC 6265): no script reads it, no other site sends it, no connection without TLS carries it. Undefined client: it ends. */
export function sessionCookie(secret: string, client: Client | undefined, nowMs: number): string {
  const text = client && Buffer.from(JSON.stringify({ client, untilMs: nowMs + VALID_MS })).toString('base64url');
  const value = text === undefined ? '' : `${text}.${macOf(secret, text).toString('base64url')}`;
  return `${COOKIE}=${value}; Path=/; Max-Age=${client === undefined ? 0 : VALID_MS / 1_000}; HttpOnly; Secure; SameSite=Strict`;
}

/** The certificate's holder; undefined: there is no session, it is over, or no scheduler of this cluster has begun it. */
export function sessionIn(secret: string, cookies: string | undefined, nowMs: number): Client | undefined {
  const [text = '', mac = '', ...more] = valueIn(cookies)?.split('.') ?? [];
  const given = Buffer.from(mac, 'base64url');
  const wanted = macOf(secret, text);
  if (text === '' || more.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const { client, untilMs } = JSON.parse(Buffer.from(text, 'base64url').toString()) as {
    readonly client: Client;
    readonly untilMs: number;
  };
  return untilMs > nowMs ? client : undefined;
}

function valueIn(cookies = ''): string | undefined {
  const found = cookies.split(';').find((one) => one.trim().startsWith(`${COOKIE}=`));
  return found?.trim().slice(COOKIE.length + 1);
}

/** What any scheduler answers itself, and what machines of the cluster ask: a browser has nothing to do there. */
const NOT_OF_PAGES =
  /^(?:\/v[\d.]+)?\/(?:_ping|metrics|arpanet\/v1\/(?:health|held|agent|join|join\.sh|join\/check|join\/paths|ca|package))$/;

/** Why this is not asked on a connection without a certificate; undefined: it is the page itself, or there is a session to look at. */
export function refuseNameless({
  url = '',
  headers,
}: {
  readonly url?: string | undefined;
  readonly headers: { readonly cookie?: string | undefined };
}): string | undefined {
  const path = url.split('?', 1)[0] ?? '';
  if (path === '/ui' || path.startsWith('/ui/') || path === SESSION_PATH) return undefined;
  if (valueIn(headers.cookie) !== undefined && !NOT_OF_PAGES.test(path)) return undefined;
  return 'a client certificate is needed (DOCKER_CERT_PATH), or in a browser a session: "arpanet ui" signs in';
}
