/** Text of the audit log for a terminal. Pure. */
import type { AuditLine } from '../../security/index.ts';

/** One line of it: when, who from where, what of what, and how it ended. */
export function auditLineText(line: AuditLine): string {
  const { time, user = '-', from, method, route, object, deployment, host, result, status } = line;
  const about = [
    object,
    ...(deployment === undefined ? [] : [`deployment=${deployment}`]),
    ...(host === undefined ? [] : [`host=${host}`]),
  ].flatMap((one) => (one === undefined ? [] : [one]));
  return [time, user, from, method, route, ...about, status === undefined ? result : `${result} (${status})`].join(' ');
}
