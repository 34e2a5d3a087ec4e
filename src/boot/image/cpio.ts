/** An archive as the kernel takes it for an initrd ("newc": Documentation/driver-api/early-userspace/buffer-format.rst). All files are root's and of no time, so that the same files give the same bytes. Pure. */

/** What is in it. `mode` as in st_mode: with the kind of the file. */
export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly content?: Buffer;
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const padded = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

function entry({ path, mode, content = Buffer.alloc(0) }: CpioEntry, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.concat([Buffer.from(`070701${fields.map(hex).join('')}`), name]);
  return Buffer.concat([head, padded(head.length), content, padded(content.length)]);
}

/** In the order given: a folder before what is in it. */
export const cpio = (entries: readonly CpioEntry[]): Buffer =>
  Buffer.concat([...entries.map((one, i) => entry(one, i + 1)), entry({ path: 'TRAILER!!!', mode: 0 }, 0)]);
