/** Logs that outlive their cluster, for whoever looks into a failure. Effects: files below ARPANET_TEST_LOGS, which the runner removes if the tests passed. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What is written to `file` of a lab's folder is written there, also if this process is killed. Nothing happens without ARPANET_TEST_LOGS. */
export function keepLog(file: string, lab: string): void {
  const dir = process.env['ARPANET_TEST_LOGS'];
  if (dir === undefined) return;
  mkdirSync(dir, { recursive: true });
  mkdirSync(dirname(file), { recursive: true });
  const kept = join(dir, [basename(lab), ...file.slice(lab.length + 1).split('/')].join('-'));
  try {
    symlinkSync(kept, file);
  } catch {
    // it is kept already
  }
}
