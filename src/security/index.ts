/**
 * Job: who may do what. In: heads of requests, names. Out: a refusal in words, or none.
 * Invariants: decisions are pure and made in one place; what is not known is refused.
 */
export { refuseConnect } from './policy-outside.ts';
export { allowedHosts, type AllowedHosts, refuseCrossSite, refuseFetched, refuseHost } from './web-requests.ts';
export { type AskedAddress, isLoopback, type ListenAddress, planListen } from './listen.ts';
export { type CertificateAuthority, newAuthority, newKeyPair, openAuthority, withNewAuthority, withoutOldAuthorities } from './ca.ts';
export { type CertificateKind, certificatesIn, fingerprintOf, identityIn, renewAtMs, signedBy, validityFault } from './ca-identity.ts';
export {
  asksAsMember,
  certify,
  contextOf,
  type Credentials,
  dialOptions,
  hostServerName,
  isFromScheduler,
  isJoining,
  isNameless,
  JOIN_NAME,
  type Peer,
  peerOf,
  refusePeer,
  requestPeer,
  SCHEDULER_NAME,
  toSchedulers,
  vouch,
} from './peers.ts';
export {
  identityCopiesOf,
  identityCopyOf,
  type IdentityRecords,
  isIdentityCopy,
  readIdentityCopy,
  writeIdentityCopy,
} from './identity-copy.ts';
export { readJoinToken, writeJoinToken } from './join-token.ts';
export { readConsulTls, readTls, type TlsFiles, type TlsIdentity } from './tls-files.ts';
export { type ClusterKeyFile, ensureClusterKeys, openClusterKeyFile, readClusterKeys } from './key-file.ts';
export { refuseNameless, SESSION_PATH, sessionCookie, sessionIn } from './session.ts';
export { type ClusterKeys, clusterKeys, isSealed } from './seal.ts';
export { type Access, type Identity, refuseAccess, type Role, ROLES, seesAll } from './roles.ts';
export {
  clientOf,
  identityOf,
  mustSayOnce,
  noteClient,
  noteIdentity,
  type Client,
  CLIENT_HEADER,
  clientIn,
  signClient,
  verifiedClient,
  vouchedPeer,
} from './client.ts';
export { auditLine, type AuditLine, type AuditTarget, isAudited, noteTarget, servicesTarget, targetOf } from './audit-line.ts';
export {
  createProblems,
  DEPLOYER_POLICY,
  isAny,
  type Policy,
  policyFor,
  refuseBuild,
  refuseBuildKit,
  refuseCreate,
  refuseExec,
  refuseHostNetwork,
  refuseImage,
  refuseLabels,
  refuseNetwork,
  refuseUpdate,
  refuseVolume,
} from './policy.ts';
