/**
 * Effects: writes small files that must survive a power cut. The text goes to `FILE.new`, which only the owner may read, and is synced; then it takes the
 * place of the old one, and the folder is synced. So the file has the old text or all of the new one at any time, and the new one from the return on.
 * Source: rename(2) is atomic; fsync(2): the entry of the folder needs an fsync of its own.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;

/** Resolves when the text is on the disk. One write to a file at a time. Throws Node's error (`ENOSPC`, `EROFS`, …); the old text is still there then. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', OWNER_ONLY);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The same, and the process waits: for a fact that must not be acted on before it is on the disk. Throws Node's error, as `writeDurably`. */
export function writeDurablySync(file: string, text: string): void {
  const fd = openSync(`${file}.new`, 'w', OWNER_ONLY);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
