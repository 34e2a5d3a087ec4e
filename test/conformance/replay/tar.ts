/** Tar archives as far as the script needs them: written from names and texts, and read back to names. */

/** As `tar` writes it: one small file (under 512 bytes) after the other. */
export function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const members = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\x000000000\x000000000\0', 100);
    header.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0        0', 136);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const body = Buffer.alloc(512);
    body.write(content);
    return [header, body];
  });
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}

/** The names in an archive, in its order. */
export function namesIn(archive: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + 512);
    const text = (from: number, length: number): string =>
      header
        .subarray(from, from + length)
        .toString()
        .replace(/\0.*$/s, '');
    names.push(text(0, 100));
    at += 512 + Math.ceil(parseInt(text(124, 12), 8) / 512) * 512;
  }
  return names;
}
