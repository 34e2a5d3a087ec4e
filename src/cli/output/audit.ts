/** `arpanet audit` as text for a terminal. Pure. */
import type { AuditReport, Finding } from '../../operator-api/index.ts';
import { count } from './table.ts';

export function auditText({ findings, fixed }: AuditReport): string {
  const line = ({ where, host, what }: Finding): string => `${where}${host === undefined ? '' : ` ${host}`}: ${what}`;
  const end = findings.length === 0 ? 'no differences: store, Engines, networks and names agree' : count(findings.length, 'difference');
  return [...fixed.map((finding) => `fixed    ${line(finding)}`), ...findings.map((finding) => `differs  ${line(finding)}`), end].join(
    '\n',
  );
}
