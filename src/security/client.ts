/** What a client's certificate says of it, and how a follower tells the leader (pure but for what is remembered of a request). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Peer } from './peers.ts';
import { kindOf } from './ca-identity.ts';
import type { Identity } from './roles.ts';

/** The holder of a client certificate, as TLS has proven it. */
export interface Client {
  /** The subject's common name: a user's. */
  readonly user: string;
  /** The subject's organizational unit; empty: none. */
  readonly kind: string;
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string;
  /** SHA-256 of the certificate of who issued it, in hex; empty: not known. */
  readonly issuer: string;
  /** Where it is: an address. */
  readonly from: string;
  /** Serial number of a certificate that was found to be of the cluster's CA; undefined: of another, or not asked about. */
  readonly serial?: string;
  /** A browser's session stands for it. */
  readonly isSession?: true;
}

/** What node:tls gives of a certificate. */
export interface ShownCertificate {
  readonly subject?: { readonly CN?: string | readonly string[]; readonly OU?: string | readonly string[] };
  readonly fingerprint256?: string;
  readonly issuerCertificate?: { readonly fingerprint256?: string };
}

const one = (given: string | readonly string[] | undefined): string => (typeof given === 'string' ? given : (given?.[0] ?? ''));
const hex = (fingerprint: string | undefined): string => (fingerprint ?? '').replaceAll(':', '').toLowerCase();

/** Undefined: there is no certificate. */
export function clientIn(certificate: ShownCertificate, from: string): Client | undefined {
  const { subject, fingerprint256, issuerCertificate } = certificate;
  if (fingerprint256 === undefined) return undefined;
  const issuer = hex(issuerCertificate?.fingerprint256);
  return { user: one(subject?.CN), kind: one(subject?.OU), fingerprint: hex(fingerprint256), issuer, from };
}

/** A request in transit from a follower to the leader. */
export interface Forwarded {
  readonly method: string;
  readonly url: string;
  readonly requestId: string;
}

/** A follower says in it whose request it forwards. Nobody else can: it is signed with a secret that schedulers alone have, and refused from clients. */
export const CLIENT_HEADER = 'Arpanet-Client';

function macOf(secret: string, text: string, { method, url, requestId }: Forwarded): Buffer {
  const key = createHmac('sha256', secret).update('arpanet: the client of a forwarded request').digest();
  return createHmac('sha256', key)
    .update(JSON.stringify([text, method, url, requestId]))
    .digest();
}

/** The value of the header, for this request alone. */
export function signClient(secret: string, peer: Client, request: Forwarded): string {
  const text = Buffer.from(JSON.stringify(peer)).toString('base64url');
  return `${text}.${macOf(secret, text, request).toString('base64url')}`;
}

/** Undefined: no scheduler of this cluster has said this of this request. */
export function verifiedClient(secret: string, value: string, request: Forwarded): Client | undefined {
  const [text = '', mac = '', ...more] = value.split('.');
  const given = Buffer.from(mac, 'base64url');
  const wanted = macOf(secret, text, request);
  if (more.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Client;
}

/** The process or the user that a certificate of the cluster's CA is of. Undefined: it is of another CA. */
export function vouchedPeer({ kind, user, serial }: Client): Peer | undefined {
  const known = kindOf(kind);
  return serial === undefined || known === undefined ? undefined : { kind: known, name: user, serial, isExpired: false };
}

const known = new WeakMap<object, Identity>();

/** Notes who asks, for all that answers the request. */
export function noteIdentity(request: object, identity: Identity): void {
  known.set(request, identity);
}

/** The client's; undefined: an admin without a name, who came without a certificate or by one of the operator's own CA. */
export const identityOf = (request: object): Identity | undefined => known.get(request);

/** Whether a key that its bodies have twice is refused: of who may not do everything no two readers shall read two things. */
export function mustSayOnce(request: object): boolean {
  const role = known.get(request)?.role;
  return role !== undefined && role !== 'admin';
}

const clients = new WeakMap<object, Client>();

/** Notes the certificate that a request came with, also of a client that is refused. */
export function noteClient(request: object, client: Client): void {
  clients.set(request, client);
}

/** Undefined: it came without one. */
export const clientOf = (request: object): Client | undefined => clients.get(request);
