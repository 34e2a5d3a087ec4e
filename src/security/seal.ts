/**
 * Sealed values: what is secret in the store is encrypted with a key that the store does not hold (AES-256-GCM, NIST SP 800-38D). The key of the record is associated data: a
 * sealed value that is moved to another record does not open there. Effects: chance, for a fresh 96-bit IV each time.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';

/** Opens and seals. The first key seals; all open. */
export interface ClusterKeys {
  readonly ids: readonly string[];
  /** The file that they are in, where there is one. */
  readonly path?: string;
  readonly seal: (at: string, json: string) => SealedValue;
  /** Undefined: none of the keys has sealed it. Throws an Error for one that was changed, or was sealed for another record. */
  readonly open: (at: string, sealed: SealedValue) => string | undefined;
}

/** As it is stored. */
export interface SealedValue {
  /** The form. */
  readonly sealed: 1;
  /** Which key. */
  readonly key: string;
  /** IV, tag and ciphertext of the compressed JSON, in base64. */
  readonly data: string;
}

/** Of a cluster key. */
export const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** No record is as large. */
const MOST_BYTES = 64 * 1024 * 1024;
const CIPHER = 'aes-256-gcm';

/** 32 bytes by chance. */
export const newClusterKey = (): Buffer => randomBytes(KEY_BYTES);

/** What a key is called: a part of its SHA-256, which tells nothing of it. */
const idOf = (key: Buffer): string => createHash('sha256').update('arpanet cluster key').update(key).digest('hex').slice(0, 16);

/** At least one key, 32 bytes each. */
export function clusterKeys(secrets: readonly Buffer[]): ClusterKeys {
  const keys = secrets.map((secret) => ({ id: idOf(secret), secret }));
  return {
    ids: keys.map(({ id }) => id),
    seal(at, json) {
      const [first] = keys;
      if (first === undefined) throw new Error('no cluster key');
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, first.secret, iv).setAAD(Buffer.from(at));
      const text = Buffer.concat([cipher.update(gzipSync(json)), cipher.final()]);
      return { sealed: 1, key: first.id, data: Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64') };
    },
    open(at, { key, data }) {
      const found = keys.find(({ id }) => id === key);
      if (found === undefined) return undefined;
      const bytes = Buffer.from(data, 'base64');
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      if (tag.length !== TAG_BYTES) throw new Error('it is too short');
      const decipher = createDecipheriv(CIPHER, found.secret, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(at)).setAuthTag(tag);
      const packed = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return gunzipSync(packed, { maxOutputLength: MOST_BYTES }).toString();
    },
  };
}

/** Whether a stored value is a sealed one; records of releases that sealed nothing are not. */
export function isSealed(value: unknown): value is SealedValue {
  if (typeof value !== 'object' || value === null) return false;
  const { sealed, key, data } = value as Readonly<Record<string, unknown>>;
  return sealed === 1 && typeof key === 'string' && typeof data === 'string';
}
