/** What `npm audit --json` has said, for CI. */
export declare function auditReport(stdout: string): { readonly ok: boolean; readonly lines: readonly string[] };
