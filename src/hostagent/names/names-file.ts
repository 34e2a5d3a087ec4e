/**
 * Effects: the name table on this host's disk. `names.json` has a whole table, `names.changes` a line for each change since: a change is written as
 * what it is, and the whole table when the changes have become as long. A line that does not fit the table before it counts as none.
 */
import { existsSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../files/durable-file.ts';
import type { NameChange, NameTable } from '../../model/name-table.ts';
import { accept, agentFiles as schemas, parseJson } from '../../schemas/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { pacedWrites, readJsonFile } from '../json-file.ts';
import { openLiveTable } from './live-table.ts';

export interface NamesFile {
  /** What was written before this process began; undefined if there is nothing that can be read. */
  value(): NameTable | undefined;
  save(table: NameTable): void;
  /** Of what was given before. `table` gives all that it leads to. */
  append(change: NameChange, table: () => NameTable): void;
}

/** Changes shorter than this are never worth a whole table. */
const LEAST_CHANGES_BYTES = 64 * 1024;
const OWNER_ONLY = 0o600;
const LOSS = 'containers of this host resolve no names until a leader is connected, which sends them again';

type Item =
  | { readonly kind: 'table'; readonly table: () => NameTable }
  | { readonly kind: 'change'; readonly line: string; readonly table: () => NameTable };

export function openNamesFile(dir: string, log: Logger): NamesFile {
  const file = join(dir, 'names.json');
  const changes = join(dir, 'names.changes');
  const read = readNames(file, changes, log);
  let wholeBytes = 0;
  let changesBytes = read.changesBytes;
  /** Nothing may be added to the file of changes: it is damaged, or was not written to its end. */
  let isBroken = read.isBroken;

  async function writeWhole(table: NameTable): Promise<void> {
    const text = JSON.stringify(table);
    await writeDurably(file, text);
    wholeBytes = text.length;
    // a line that is left over does not fit the new table
    await rm(changes, { force: true });
    changesBytes = 0;
    isBroken = false;
  }

  async function write(items: readonly Item[]): Promise<void> {
    const last = items.at(-1);
    if (last === undefined) return;
    const lines = items.flatMap((item) => (item.kind === 'change' ? [item.line] : [])).join('');
    const isLong = changesBytes + lines.length > Math.max(LEAST_CHANGES_BYTES, wholeBytes);
    if (isBroken || isLong || items.some(({ kind }) => kind === 'table')) return await writeWhole(last.table());
    isBroken = true;
    const handle = await open(changes, 'a', OWNER_ONLY);
    try {
      const { size } = await handle.stat();
      try {
        await handle.writeFile(lines);
        await handle.datasync();
      } catch (error) {
        await handle.truncate(size);
        throw error;
      }
      changesBytes = size + lines.length;
    } finally {
      await handle.close();
    }
    isBroken = false;
  }

  const queue = pacedWrites<Item>(
    file,
    async (items) => {
      try {
        await write(items);
      } catch (error) {
        isBroken = true;
        throw error;
      }
    },
    log,
  );
  return {
    value: () => read.table,
    save: (table) => queue.add({ kind: 'table', table: () => table }),
    append: (change, table) => queue.add({ kind: 'change', line: `${JSON.stringify(change)}\n`, table }),
  };
}

interface Read {
  readonly table: NameTable | undefined;
  readonly changesBytes: number;
  readonly isBroken: boolean;
}

function readNames(file: string, changes: string, log: Logger): Read {
  const table = readJsonFile(file, { schema: schemas.names, loss: LOSS }, log);
  if (table === undefined || !existsSync(changes)) return { table, changesBytes: 0, isBroken: table === undefined };
  const live = openLiveTable(table);
  try {
    const text = readFileSync(changes, 'utf8');
    const lines = text.split('\n');
    // the last line is empty, or was being written as the power went
    const isTorn = lines.pop() !== '';
    for (const line of lines) {
      const change = accept(schemas.nameChange, parseJson(line), changes);
      if (live.fits(change)) live.change(change);
    }
    return { table: live.table(), changesBytes: text.length, isBroken: isTorn };
  } catch (err) {
    log.warn(
      { file: changes, err },
      'the newest changes of names on this disk cannot be read: names are as before them until a leader is connected',
    );
    return { table: live.table(), changesBytes: 0, isBroken: true };
  }
}
