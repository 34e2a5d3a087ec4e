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
  /** Which CA has signed it, by its fingerprint; absent: an older release did not say. */
  readonly ca?: string;
}

/** `arpanet/policies/<role>`: what was set for a role. What it leaves out is as if nothing had been set. */
export interface PolicyRecord {
  readonly role: 'deployer' | 'operator';
  readonly rules: PolicyRules;
  readonly changedAtMs: number;
}

/** Lists: `any` among them allows everything. */
export interface PolicyRules {
  /** Absolute paths of hosts below which binds may be. */
  readonly binds?: readonly string[];
  /** Hosts that images may come from, as `docker.io`. */
  readonly registries?: readonly string[];
  /** What a container may have at most. */
  readonly memoryBytes?: number;
  readonly cpus?: number;
  /** Of arpanet's labels those that may be given; a name that ends with `*` stands for all that begin so. */
  readonly labels?: readonly string[];
  readonly privileged?: boolean;
  /** network, pid, ipc, uts, user, cgroup. */
  readonly hostNamespaces?: readonly string[];
  /** Without `CAP_`. */
  readonly capAdd?: readonly string[];
  /** Their paths on hosts, or folders. */
  readonly devices?: readonly string[];
  readonly securityOpt?: readonly string[];
  readonly sysctls?: readonly string[];
  /** Of an Engine, as `json-file`. */
  readonly logDrivers?: readonly string[];
}
