/** Effects: runs the kernel's tools in the network namespaces of containers (`nsenter`), and never in the host's own. */
import { readlink } from 'node:fs/promises';
import { createSlots } from '../../async/keyed.ts';
import { run } from '../overlay/run.ts';

let own: Promise<string> | undefined;
/** So many at a time on a host: a change of one name may concern each of its containers. */
const slots = createSlots(4);

/** `pid`: of any process of the container. Throws `unavailable` as `run` does, and Node's error for a process that has ended. */
export async function inNamespace(pid: number, words: readonly string[], input?: string): Promise<string> {
  const namespace = `/proc/${pid}/ns/net`;
  // in its turn: while it waits the process may end, and its pid be given to another
  return await slots('nsenter', async () => {
    own ??= readlink('/proc/self/ns/net');
    if ((await readlink(namespace)) === (await own)) throw new Error('it is in the network of its host');
    return await run('nsenter', [`--net=${namespace}`, ...words], input);
  });
}

/** What is wrong, for a person. */
export function whyNot(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return why.endsWith('cannot be run') ? 'nft cannot be run: install nftables' : why;
}
