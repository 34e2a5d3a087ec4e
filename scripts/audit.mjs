#!/usr/bin/env node
// The dependencies of package-lock.json against what the registry knows of vulnerabilities (npm audit). Exit code 1 for one of high severity or more.
// CI runs it. Where the registry has no audit endpoint, or there is no network, it says so and ends with 0.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { auditReport } from './testing/audit-report.mjs';

const TIMEOUT_MS = 60_000;
const { stdout } = spawnSync('npm', ['audit', '--package-lock-only', '--json', '--fetch-retries=0'], {
  cwd: join(dirname(fileURLToPath(import.meta.url)), '..'),
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  maxBuffer: 1 << 26,
  stdio: ['ignore', 'pipe', 'ignore'],
});
const { ok, lines } = auditReport(stdout ?? '');
for (const line of lines) console.log(line);
process.exit(ok ? 0 : 1);
