/** Real Docker hosts for tests: three engines of two major versions, with busybox and redis loaded. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { type LocalHosts, provideImages, reapStale, startLocalHosts } from '../../../src/local-hosts/index.ts';
import { imageCache, labBase, tools } from './paths.ts';

export const quietLog = pino({ level: process.env['ARPANET_TEST_LOG'] ?? 'silent' }, pino.destination(2));

export interface Lab extends LocalHosts {
  readonly dir: string;
}

/** Host h3 runs Docker 26.1 unless `mixed` is false; the others the 20.10 of Debian 12. With `newer` all run 26.1; with `newest` h2, or all, run the newest that can be had. */
export async function startLab(
  options: { count?: number; mixed?: boolean; newer?: boolean; newest?: 'h2' | 'all'; engineArgs?: readonly string[] } = {},
): Promise<Lab> {
  await reapStale(labBase);
  const dir = join(labBase, randomBytes(4).toString('hex'));
  const count = options.count ?? 3;
  const newer = options.newer === true || options.mixed !== false ? tools.engine26() : [];
  const local = await startLocalHosts({
    dir,
    count,
    enginePath: (i) => {
      if (options.newest === 'all' || (options.newest === 'h2' && i === 1)) return tools.newestEngine();
      return options.newer === true || i === 2 ? newer : [];
    },
    nat: false,
    keep: false,
    log: quietLog,
    engineArgs: options.engineArgs ?? [],
  });
  try {
    await provideImages(
      local.hosts.map((h) => h.socket),
      imageCache,
    );
  } catch (error) {
    await local[Symbol.asyncDispose]();
    throw error;
  }
  return { ...local, dir };
}
