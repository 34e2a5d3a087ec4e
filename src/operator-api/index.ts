/**
 * Job: what operators see of the cluster: reports (plain data), tables (text), and the HTTP API that carries them.
 * In: what the leader observes. Out: JSON below /arpanet/v1, lines for a terminal. Invariant: changes nothing by itself; `audit --fix` lets the reconcilers do so.
 */
// the API itself is at ./api.ts: the command line shows reports without a server
export type { ClusterSettings, OperatorDeps, OutsideNames, Rehearsal } from './api.ts';
export { audit, type AuditReport, type Finding } from './audit.ts';
export { type ServiceReport, serviceTable, instanceTable } from './reports/service-report.ts';
export {
  type CleanReport,
  cleanText,
  type HostDetail,
  hostDetailText,
  type RebalanceReport,
  rebalanceText,
} from './reports/host-report.ts';
export type { HostReport, NetworkReport, Observed, SchedulerReport, SettingReport, StatusReport } from './reports/report.ts';
export { type TopReport, topText } from './top.ts';
export { addressesText, eventText, explainText, nameReports, namesText } from './text-views.ts';
export { instanceCalled } from './instance-reference.ts';
export { callsOf, diagnose, doctorText } from './doctor.ts';
export { logLine, type LogLine, prefixed, sinceOf, unframe } from './log-lines.ts';
export { auditText, hostsTable, settingsText, statusText, table } from './tables.ts';
