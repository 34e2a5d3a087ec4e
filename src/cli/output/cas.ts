/** The text of `arpanet ca` (pure). */
import type { CaReport } from '../../operator-api/index.ts';

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export function caText({ authorities, hosts, users }: CaReport): string {
  const lines = authorities.map(
    ({ fingerprint, signs, untilMs }) => `${fingerprint}  ${signs ? 'signs  ' : 'trusted'}  until ${day(untilMs)}`,
  );
  if (authorities.length < 2) return lines.join('\n');
  if (hosts.length > 0) lines.push(`hosts with certificates of the CA before (they renew when they are connected): ${hosts.join(', ')}`);
  if (users.length > 0) lines.push(`users with certificates of the CA before ("arpanet user renew NAME"): ${users.join(', ')}`);
  if (hosts.length + users.length === 0) lines.push('nobody has a certificate of the CA before: "arpanet ca finish" ends the rotation');
  return lines.join('\n');
}
