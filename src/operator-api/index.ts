/**
 * Job: what operators see of the cluster: reports (plain data), and the HTTP API that carries them. Text for a terminal is made in cli/output.
 * In: what the leader observes. Out: JSON below /arpanet/v1. Invariant: changes nothing by itself; `audit --fix` lets the reconcilers do so.
 */
// The API itself is at ./api.ts: the command line reads reports without loading a server.
export type { ClusterSettings, OperatorDeps, OutsideNames, Part, Rehearsal } from './api.ts';
export { isPlainWord, scriptLine } from './joining/script.ts';
export type { JoinFinding, Joining } from './joining/routes.ts';
export { audit, type AuditReport, type Finding } from './audit.ts';
export { diagnose } from './doctor.ts';
export type { Link } from './doctor-link.ts';
export { callsOf } from './doctor-targets.ts';
export type { OperationReport, Operations } from './operations.ts';
export { instanceCalled } from './instance-reference.ts';
export type { HostDetail } from './reports/host-report.ts';
export { type NameReport, nameReports } from './reports/name-report.ts';
export type { HostReport, NetworkReport, Observed, SchedulerReport, SettingReport, StatusReport } from './reports/report.ts';
export type { InstanceReport, ServiceReport } from './reports/service-report.ts';
export type { CaOperations, CaReport } from './ca-routes.ts';
export type { SchemaOperations } from './schema-routes.ts';
export type { KeyOperations, KeyReport } from './key-routes.ts';
export type { UserRequest } from './bodies.ts';
export { shownPolicy } from './policy/policy-file.ts';
export type { Policies, PolicyRefusal } from './policy/policy-routes.ts';
export type { UserBundle, UserReport, Users } from './user-routes.ts';
export type { TopReport } from './reports/top-report.ts';
export { explained } from './reports/explained.ts';
