/** Effects: a program of its own: reads every entry of the LMDB database in the directory given, and ends with 1 if that fails. */
import { open } from 'lmdb';

try {
  const db = open<string, string>({ path: process.argv[2] ?? '', encoding: 'string', noSubdir: false, readOnly: true });
  let bytes = 0;
  for (const { key, value } of db.getRange({})) bytes += key.length + value.length;
  await db.close();
  process.exitCode = bytes >= 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
