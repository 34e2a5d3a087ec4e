/** A tar archive of small files, as an Engine unpacks it. Pure. POSIX.1-1988 (ustar). */

export interface TarFile {
  /** Without a leading slash; at most 100 bytes. */
  readonly path: string;
  readonly data: Buffer;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const BLOCK = 512;

export function tarOf(files: readonly TarFile[], nowMs: number): Buffer {
  return Buffer.concat([
    ...files.flatMap((file) => [header(file, nowMs), file.data, Buffer.alloc((BLOCK - (file.data.length % BLOCK)) % BLOCK)]),
    Buffer.alloc(2 * BLOCK),
  ]);
}

function header({ path, data, uid, gid, mode }: TarFile, nowMs: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) => block.write(value.toString(8).padStart(width - 1, '0'), at);
  block.write(path, 0);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(data.length, 124, 12);
  octal(Math.floor(nowMs / 1000), 136, 12);
  block.write('        0', 148);
  block.write('ustar\u000000', 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  // Six digits, a zero byte and a space (POSIX ustar, checksum field).
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000`, 148);
  return block;
}
