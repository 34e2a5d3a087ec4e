/** What each role may do (pure): what each route is about is said at the two APIs (docker-api/access, operator-api). */

/**
 *  viewer    reads, without environments and without what is inside of containers
 *  deployer  everything inside its deployments, nothing outside
 *  operator  all deployments and hosts
 *  admin     also users, certificates, policy, backups
 */
export type Role = 'viewer' | 'deployer' | 'operator' | 'admin';

/** Each includes what those before it may do, where that is not narrowed to deployments. */
export const ROLES: readonly Role[] = ['viewer', 'deployer', 'operator', 'admin'];

/** Somebody whom the cluster knows by name. A client without a certificate, by loopback or a socket, is an admin and has none. */
export interface Identity {
  readonly name: string;
  readonly role: Role;
  /** What it is limited to; absent: all deployments. */
  readonly deployments?: readonly string[];
}

/**
 * What a route is about, and so who may ask for it.
 *
 *  read     what is shown of deployments, hosts and images
 *  inside   what is inside of containers and images, or runs something there
 *  change   changes something of a deployment, or adds an image
 *  all      concerns all deployments or hosts at once
 *  cluster  who may do what, and the cluster's own secrets
 */
export type Access = 'read' | 'inside' | 'change' | 'all' | 'cluster';

const LEAST: Readonly<Record<Access, Role>> = { read: 'viewer', inside: 'deployer', change: 'deployer', all: 'operator', cluster: 'admin' };

/** Of a route that nobody has decided about, `undefined`: only who may do everything in all deployments may ask for it. */
export function refuseAccess({ name, role }: Identity, access: Access | undefined, what: string): string | undefined {
  const least = LEAST[access ?? 'all'];
  if (ROLES.indexOf(role) >= ROLES.indexOf(least)) return undefined;
  return `${name} has the role ${role}, and ${what} needs the role ${least}`;
}

/** Whether everything of all deployments is shown to it as it is: nothing is hidden and nothing left out. */
export const seesAll = ({ role, deployments }: Identity): boolean => role !== 'viewer' && role !== 'deployer' && deployments === undefined;
