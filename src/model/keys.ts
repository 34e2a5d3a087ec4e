import { dnsLabel } from './dns-label.ts';

/** Users give deployments and services any name; a part of a key has no slash, and few characters. */
const part = (name: string): string => (/^[\w.][\w.-]{0,127}$/.test(name) ? name : `~${dnsLabel(name)}`);

/** The layout of the state store. Nothing else spells a key. */
export const keys = {
  root: 'arpanet/',
  leader: 'arpanet/leader',
  epoch: 'arpanet/epoch',
  /** The ledger's own: raised so that a transaction whose outcome was never learnt cannot land any more. */
  barrier: 'arpanet/barrier',
  /** There while a restore or a recovery writes: a store with half of its records must not be led on. */
  incomplete: 'arpanet/config/incomplete',
  /** Which schema the records have; absent: the first. A release that reads lower ones alone does not lead on it. */
  schema: 'arpanet/config/schema',
  joinToken: 'arpanet/config/join-token',
  /** Digests of join tokens that were rotated away. */
  replacedTokens: 'arpanet/config/replaced-tokens',
  /** Join tokens that end by themselves, by the digests of their secrets. */
  passes: 'arpanet/passes/',
  pass: (digest: string) => `arpanet/passes/${digest}`,
  clusterId: 'arpanet/config/cluster-id',
  /** What labels on containers are signed with. In the store and in backups alone: no agent and no Engine gets it. */
  labelKey: 'arpanet/config/label-key',
  /** The cluster's certificate authorities, with their keys. */
  ca: 'arpanet/config/ca',
  /** Settings of the whole cluster, by name, as texts. */
  settings: 'arpanet/config/options/',
  setting: (name: string) => `arpanet/config/options/${name}`,
  hosts: 'arpanet/hosts/',
  host: (name: string) => `arpanet/hosts/${name}`,
  admissions: 'arpanet/admissions/',
  admission: (name: string) => `arpanet/admissions/${name}`,
  certificates: 'arpanet/certificates/',
  certificate: (host: string) => `arpanet/certificates/${host}`,
  /** Machines that may boot as a host. */
  machines: 'arpanet/machines/',
  machine: (host: string) => `arpanet/machines/${host}`,
  migrations: 'arpanet/moves/',
  migration: (deployment: string, service: string) => `arpanet/moves/${part(deployment)}/${part(service)}`,
  networks: 'arpanet/networks/',
  network: (id: string) => `arpanet/networks/${id}`,
  subnets: 'arpanet/subnets/',
  subnet: (cidr: string) => `arpanet/subnets/${cidr.replace('/', '_')}`,
  leases: 'arpanet/leases/',
  leasesOf: (network: string) => `arpanet/leases/${network}/`,
  lease: (network: string, ip: string) => `arpanet/leases/${network}/${ip}`,
  containers: 'arpanet/containers/',
  container: (name: string) => `arpanet/containers/${name}`,
  lost: 'arpanet/lost/',
  lostContainer: (id: string) => `arpanet/lost/${id}`,
  services: 'arpanet/services/',
  service: (deployment: string, service: string) => `arpanet/services/${part(deployment)}/${part(service)}`,
  deployments: 'arpanet/deployments/',
  deployment: (name: string) => `arpanet/deployments/${part(name)}`,
  secretsOf: (kind: 'secret' | 'config') => `arpanet/kept/${kind}/`,
  secret: (kind: 'secret' | 'config', id: string) => `arpanet/kept/${kind}/${id}`,
  users: 'arpanet/users/',
  user: (name: string) => `arpanet/users/${name}`,
  policies: 'arpanet/policies/',
  policy: (role: string) => `arpanet/policies/${role}`,
  tags: 'arpanet/tags/',
  tag: (reference: string) => `arpanet/tags/${encodeURIComponent(reference)}`,
  volumes: 'arpanet/volumes/',
  volume: (name: string) => `arpanet/volumes/${name}`,
  /** Large fields of records, by the SHA-256 of what they hold, in pieces: store/large. No record has one of these keys. */
  parts: 'arpanet/parts/',
  piece: (sha256: string, index: number) => `arpanet/parts/${sha256}/${String(index).padStart(4, '0')}`,
  records: 'arpanet/records/',
  record: (name: string) => `arpanet/records/${name}`,
} as const;
