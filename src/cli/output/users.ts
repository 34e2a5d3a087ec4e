/** `arpanet user` as text for a terminal. Pure. */
import type { UserReport } from '../../operator-api/index.ts';
import { moment, table } from './table.ts';

const limits = ({ deployments }: UserReport): string => (deployments.length === 0 ? 'all' : deployments.join(','));
const until = ({ validUntilMs }: UserReport): string => (validUntilMs === undefined ? 'of your own CA' : moment(validUntilMs));

export function usersText(users: readonly UserReport[], width?: number): string {
  const rows = users.map((user) => [user.name, user.role, limits(user), until(user)]);
  return table(['NAME', 'ROLE', 'DEPLOYMENTS', 'CERTIFICATE UNTIL'], rows, width);
}

/** `ada is deployer of abc,xyz; its certificate is valid until 2027-02-27 10:00:00 UTC` */
export function userText(user: UserReport): string {
  const of = user.deployments.length === 0 ? '' : ` of ${limits(user)}`;
  const valid =
    user.validUntilMs === undefined ? '; it has a certificate of your own CA' : `; its certificate is valid until ${until(user)}`;
  return `${user.name} is ${user.role}${of}${valid}`;
}
