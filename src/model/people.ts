/** People with certificates, as the store keeps them. */

/** `arpanet/users/<name>`. It stays when its user is removed: a certificate of that name must not count as one of nobody. */
export interface UserRecord {
  readonly name: string;
  readonly role: 'viewer' | 'deployer' | 'operator' | 'admin';
  /** What it is limited to; absent: all deployments. */
  readonly deployments?: readonly string[];
  /** Those of the cluster's CA that count. */
  readonly certificates: readonly UserCertificate[];
  readonly createdAtMs: number;
  readonly removedAtMs?: number;
}

/** A certificate that was issued to a user. */
export interface UserCertificate {
  /** SHA-256, 64 hexadecimal digits. */
  readonly fingerprint: string;
  readonly toMs: number;
}
