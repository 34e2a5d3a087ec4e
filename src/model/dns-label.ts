/** What DNS and the store are asked for where users give deployments, services and containers names that these cannot carry. Pure. */

/** Octets of a DNS label (RFC 1035 section 2.3.4). */
const MAX_LABEL = 63;
/** Of 253, so that a number, a deployment and `service.consul` have room beside it. */
const MAX_NAME = 150;
const HASH_LENGTH = 10;

/**
 * The one label of a DNS name that stands for a deployment or service: the name itself in lower case where that is one (`_` is no host name's letter,
 * but resolvers take it), else what is left of it with its hash: `web.api` -> `web-api-bb13duiw8f`. It never changes: search domains and the catalog have it.
 */
export function dnsLabel(name: string): string {
  const plain = name.toLowerCase();
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(plain)) return plain;
  return shortened(plain.replaceAll(/[^a-z0-9_-]+/g, '-').replace(/^[-_]+/, ''), plain);
}

/** In lower case, what resolvers can be asked for: the name as it was typed, where every label of it fits, and else its one label. */
export function dnsName(name: string): string {
  const plain = name.toLowerCase();
  const isName = plain.length <= MAX_NAME && plain.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
  return isName ? plain : dnsLabel(name);
}

/** The service of a container whose user named none, from its own name: `a.b_c` -> `a-b_c`; with a hash where it is longer than a label. */
export function serviceFromName(name: string): string {
  const letters = name.replaceAll(/[^a-zA-Z0-9_-]/g, '-');
  return name.length <= MAX_LABEL ? letters : shortened(letters, name);
}

/** What of a name fits into a label, and the hash of all of it. */
function shortened(letters: string, name: string): string {
  const stem = letters.slice(0, MAX_LABEL - HASH_LENGTH - 1).replace(/[-_]+$/, '');
  return stem === '' ? hashOf(name) : `${stem}-${hashOf(name)}`;
}

/** FNV-1a (64 bits, over UTF-16 units), of which 51 are kept: no secret, only hard to meet by chance. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  return hash.toString(36).padStart(13, '0').slice(-HASH_LENGTH);
}
