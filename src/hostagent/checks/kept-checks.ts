/**
 * Effects: what checks found, on this host's disk. Without it an agent that starts again would call each checked container `starting` until it has asked it,
 * and names and published ports would lead to none of them.
 */
import { join } from 'node:path';
import { writeDurably } from '../../files/durable-file.ts';
import { agentFiles, type KeptCheck } from '../../schemas/agent-files.ts';
import type { Logger } from '../../telemetry/log.ts';
import { pacedWrites, readJsonFile } from '../json-file.ts';

export interface KeptChecks {
  /** Of the agent's run before; empty if there is nothing that can be read. */
  readonly before: readonly KeptCheck[];
  /** A health is another one: the file follows, with what `all` gives then. A failed write is logged. */
  readonly save: (all: () => readonly KeptCheck[]) => void;
}

const KIND = { schema: agentFiles.checks, loss: 'checked containers of this host are called starting until they have been checked again' };

/** `DIR/checks.json` */
export function openKeptChecks(dir: string, log: Logger): KeptChecks {
  const file = join(dir, 'checks.json');
  const before = readJsonFile(file, KIND, log) ?? [];
  const queue = pacedWrites<() => readonly KeptCheck[]>(
    file,
    (waiting) => writeDurably(file, JSON.stringify(waiting.at(-1)?.() ?? [])),
    log,
  );
  return { before, save: (all) => queue.add(all) };
}
