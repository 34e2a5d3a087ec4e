/** Constant load by HTTP, from a process of its own: how many requests there were, and what became of those that failed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Load {
  /** Ends it, and resolves with what it saw. */
  readonly end: () => Promise<{
    readonly asked: number;
    readonly answered: readonly string[];
    readonly failed: readonly string[];
    /** When each of these began, in milliseconds since 1970. */
    readonly failedAt: readonly number[];
  }>;
}

/** Until its stdin closes each worker asks, waits a little, and asks again; with `keep` over one connection for as long as the server lets it. */
const ASKER = `
const http = require('node:http');
const [url, keep, patience] = process.argv.slice(1);
let isOver = false;
process.stdin.on('end', () => (isOver = true)).resume();
const seen = { asked: 0, answered: new Set(), failed: [], failedAt: [] };
const ask = (agent) => new Promise((done) => {
  const began = Date.now();
  const fail = (why) => (seen.failed.push(why + ' after ' + (Date.now() - began) + ' ms, request ' + seen.asked), seen.failedAt.push(began), done());
  seen.asked += 1;
  const request = http.get(url, { agent, timeout: Number(patience) }, (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (part) => (text += part)).on('error', (error) => fail(String(error.code)));
    answer.on('end', () => (answer.statusCode === 200 ? (seen.answered.add(text), done()) : fail('status ' + answer.statusCode)));
  });
  request.on('timeout', () => request.destroy(new Error('timeout'))).on('error', (error) => fail(String(error.code ?? error.message)));
});
const worker = async () => {
  const agent = new http.Agent({ keepAlive: keep === 'keep', maxSockets: 1 });
  while (!isOver) { await ask(agent); await new Promise((done) => setTimeout(done, 80)); }
  agent.destroy();
};
Promise.all([worker(), worker()]).then(() => console.log(JSON.stringify({ ...seen, answered: [...seen.answered] })));
`;

/** `pid`: it asks from the network of this process; absent: from that of the test. `patienceMs`: a request without an answer for so long has failed. */
export function startLoad(
  url: string,
  { isKept, pid, patienceMs = 20_000 }: { readonly isKept: boolean; readonly pid?: string; readonly patienceMs?: number | undefined },
): Load {
  const words = [process.execPath, '-e', ASKER, url, isKept ? 'keep' : 'close', String(patienceMs)];
  const [command = '', ...rest] = pid === undefined ? words : ['nsenter', `--net=/proc/${pid}/ns/net`, ...words];
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  return {
    async end() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'close');
      return JSON.parse(said) as Awaited<ReturnType<Load['end']>>;
    },
  };
}
