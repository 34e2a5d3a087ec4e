/** A tar archive of small files, as an Engine unpacks it (`PUT /containers/{id}/archive`, Docker API v1.20 and later). */
import { buffer } from 'node:stream/consumers';

/** A file for an archive. */
export interface TarFile {
  /** Without a leading slash. Over 100 bytes it is in an extended header (POSIX.1-2001 pax). */
  readonly path: string;
  readonly data: Buffer;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** All files, changed at `nowMs` (Unix time). */
export async function tarOf(files: readonly TarFile[], nowMs: number): Promise<Buffer> {
  // At its first use: it takes 7 MB of memory. By its default: in the build a package in CommonJS has no other name.
  const { default: tar } = await import('tar-stream');
  const archive = tar.pack();
  for (const { path, data, uid, gid, mode } of files) archive.entry({ name: path, uid, gid, mode, mtime: new Date(nowMs) }, data);
  archive.finalize();
  return buffer(archive);
}
