/**
 * MACs on what we write on Engines' objects. Labels are claims: anyone who builds an image or reaches an Engine can write any. Only the state store has
 * the key, so only a scheduler can sign, and check. HMAC-SHA-256 (RFC 2104), in base64url.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { labels, type LabelSigner } from '../../model/index.ts';

/** Whether this cluster wrote these labels, for a container on this host. */
export function isSigned(signer: LabelSigner, host: string, given: Readonly<Record<string, string>>): boolean {
  return isSameMac(given[labels.mac], labelMac(signer, host, given));
}

/** Of a container's labels, on the host for which they are written: a copy on another host, or in another cluster, proves nothing. */
export function labelMac({ labelKey, clusterId }: LabelSigner, host: string, given: Readonly<Record<string, string>>): string {
  return mac(labelKey, ['container', clusterId, host, given[labels.record] ?? '', given[labels.request] ?? '']);
}

/** Of an address that a container got after its create, as labels do not change any more. */
export function endpointMac(
  { labelKey, clusterId }: LabelSigner,
  { container, network, ip }: { readonly container: string; readonly network: string; readonly ip: string },
): string {
  return mac(labelKey, ['endpoint', clusterId, container, network, ip]);
}

/** In constant time. */
export function isSameMac(given: unknown, right: string): boolean {
  const [a, b] = [Buffer.from(typeof given === 'string' ? given : ''), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** As JSON: where one part ends and the next begins cannot be mistaken. */
function mac(key: string, parts: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url');
}
