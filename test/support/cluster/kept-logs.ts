/** Logs that outlive their cluster, for whoever looks into a failure. Effects: files below ARPANET_TEST_LOGS, which the runner removes if the tests passed. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Cluster } from './cluster.ts';

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

/** Of the lab: its schedulers listen on an address of the machine. And of a machine that is too slow: what does not answer in time, or is not read yet, is said in a warning. */
const NOT_THE_PRODUCT =
  /LISTENING WITHOUT TLS|has no answer yet|did not answer \S+ within|did not finish|no heartbeat for|the Docker Engine is unreachable/;

/** Warnings and errors in the logs of all schedulers and agents of a cluster. */
export function warningsOf({ lab, schedulers }: Pick<Cluster, 'lab' | 'schedulers'>): readonly string[] {
  const files = [...schedulers.map(({ name }) => join(lab.dir, `${name}.log`)), ...lab.hosts.map(({ dir }) => join(dir, 'agent.log'))];
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^\{"level":(?:40|50|60),/.test(line) && !NOT_THE_PRODUCT.test(line))
      .map((line) => `${basename(dirname(file))}/${basename(file)}: ${line}`),
  );
}
