/** Logs that outlive their cluster, for whoever looks into a failure. Effects: files below ARPANET_TEST_LOGS, which the runner removes if the tests passed. */
import { closeSync, linkSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** What is written to `file`, now and later, can be read there as `name`, also if this process is killed. Nothing happens without ARPANET_TEST_LOGS. */
export function keepLog(file: string, name: string): void {
  const dir = process.env['ARPANET_TEST_LOGS'];
  if (dir === undefined) return;
  mkdirSync(dir, { recursive: true });
  closeSync(openSync(file, 'a'));
  try {
    linkSync(file, join(dir, name));
  } catch {
    // it is kept already, or lies on another disk
  }
}
