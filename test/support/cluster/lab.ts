/** Real Docker hosts for tests: three engines of two major versions, with busybox and redis loaded. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { type LocalHosts, reapStale, startLocalHosts } from '../../../src/local-hosts/index.ts';
import { copyRoot, preparedRoot } from './engine-roots.ts';
import { keepLog } from './kept-logs.ts';
import { labBase, tools } from './paths.ts';

export const quietLog = pino({ level: process.env['ARPANET_TEST_LOG'] ?? 'silent' }, pino.destination(2));

export interface Lab extends LocalHosts {
  readonly dir: string;
}

export interface LabOptions {
  /** How many hosts; 3 by default. */
  readonly count?: number;
  /** Host h3 runs Docker 26.1 unless this is false; the others the 20.10 of Debian 12. */
  readonly mixed?: boolean;
  /** All run 26.1. */
  readonly newer?: boolean;
  /** h2, or all, run the newest that can be had. */
  readonly newest?: 'h2' | 'all';
  readonly engineArgs?: readonly string[];
  /** Their iptables, and those of agents, have the legacy backend. */
  readonly legacyTables?: boolean;
  /** h3 has cgroup v2. Its controllers are those that the machine has not given to v1: none, as a rule, and then it takes no limits. */
  readonly unified?: boolean;
}

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  await reapStale(labBase);
  const dir = join(labBase, randomBytes(4).toString('hex'));
  const count = options.count ?? 3;
  const enginePath = (i: number): readonly string[] => {
    if (options.newest === 'all' || (options.newest === 'h2' && i === 1)) return tools.newestEngine();
    return options.newer === true || (i === 2 && options.mixed !== false) ? tools.engine26() : [];
  };
  for (let i = 0; i < count; i++) {
    const host = `h${i + 1}`;
    await copyRoot(await preparedRoot(enginePath(i), quietLog), join(dir, host, 'data'));
    for (const leaf of ['engine.log', 'agent.log']) keepLog(join(dir, host, leaf), dir);
  }
  const local = await startLocalHosts({
    dir,
    count,
    enginePath: (i) => [
      ...(options.unified === true && i === 2 ? [unified(dir)] : []),
      ...(options.legacyTables === true ? [legacyTables(dir)] : []),
      ...enginePath(i),
    ],
    nat: false,
    keep: false,
    log: quietLog,
    engineArgs: options.engineArgs ?? [],
  });
  return { ...local, dir };
}

/** A folder for PATH whose dockerd is the next one on it, in a mount namespace where cgroup v2 is all there is. */
function unified(dir: string): string {
  const folder = join(dir, 'unified');
  mkdirSync(folder, { recursive: true });
  const script = `#!/bin/sh
PATH=\${PATH#*:}
exec unshare --mount sh -ec '
  for at in $(grep " /sys/fs/cgroup" /proc/self/mounts | cut -d" " -f2 | sort -r); do umount -l "$at"; done
  mount -t cgroup2 none /sys/fs/cgroup
  exec dockerd "$@"' sh "$@"
`;
  writeFileSync(join(folder, 'dockerd'), script, { mode: 0o755 });
  return folder;
}

/** A folder for PATH, below that of the lab. */
export function legacyTables(dir: string): string {
  const folder = join(dir, 'legacy');
  if (existsSync(folder)) return folder;
  mkdirSync(folder, { recursive: true });
  for (const name of ['iptables', 'ip6tables'])
    for (const part of ['', '-save', '-restore']) symlinkSync(`/usr/sbin/${name}-legacy${part}`, join(folder, `${name}${part}`));
  return folder;
}
