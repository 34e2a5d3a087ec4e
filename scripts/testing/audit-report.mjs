// What `npm audit --json` has said, for CI. Pure.

const GRAVE = ['high', 'critical'];

/**
 * `ok`: false where a locked dependency has a vulnerability of high severity or more. A registry without the audit endpoint, and a machine without a network, say
 * nothing of the dependencies: the report says so, and nothing fails.
 */
export function auditReport(stdout) {
  let said;
  try {
    said = JSON.parse(stdout);
  } catch {
    return { ok: true, lines: ['dependencies: not audited, npm audit gave no report'] };
  }
  const { vulnerabilities, message, error } = said ?? {};
  if (typeof vulnerabilities !== 'object' || vulnerabilities === null) {
    const why = message ?? error?.summary ?? error?.code ?? 'npm audit gave no report';
    return { ok: true, lines: [`dependencies: not audited, the registry did not say: ${String(why).split('\n', 1)[0]}`] };
  }
  const found = Object.values(vulnerabilities).map(({ name, severity, range, via = [] }) => {
    const titles = via.flatMap((one) => (typeof one === 'object' ? [`${one.title} ${one.url}`] : [])).join('; ');
    return { isGrave: GRAVE.includes(severity), line: `  ${severity}: ${name} ${range}${titles === '' ? '' : `: ${titles}`}` };
  });
  if (found.length === 0) return { ok: true, lines: ['dependencies: no known vulnerability in what the lock file has'] };
  return { ok: !found.some(({ isGrave }) => isGrave), lines: ['dependencies: known vulnerabilities', ...found.map(({ line }) => line)] };
}
