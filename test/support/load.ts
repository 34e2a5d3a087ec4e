/** Constant load by HTTP, from processes of their own: how many requests there were, and what became of those that failed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/**
 * Until its stdin closes each worker asks, waits a little, and asks again; with `keep` over one connection for as long as the server lets it. A name is looked up for each
 * connection, at the resolver of the container in whose network it is.
 */
const ASKER = `
const http = require('node:http');
const { Resolver } = require('node:dns');
const [url, keep, patience, host] = process.argv.slice(1);
const resolver = new Resolver();
resolver.setServers(['127.0.0.11']);
const lookup = (name, options, done) => resolver.resolve4(name, (error, all = []) => {
  const one = all[Math.floor(Math.random() * all.length)];
  if (error || one === undefined) done(error ?? new Error('no address'));
  else if (options.all) done(null, [{ address: one, family: 4 }]);
  else done(null, one, 4);
});
let isOver = false;
process.stdin.on('end', () => (isOver = true)).resume();
const seen = { asked: 0, answered: new Set(), failed: [], failedAt: [] };
const ask = (agent) => new Promise((done) => {
  const began = Date.now();
  const fail = (why) => (seen.failed.push(why + ' after ' + (Date.now() - began) + ' ms, request ' + seen.asked), seen.failedAt.push(began), done());
  seen.asked += 1;
  const request = http.get(url, { agent, lookup, timeout: Number(patience), headers: host ? { host } : {} }, (answer) => {
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

/** `pid`: it asks from the network of this process; absent: from that of the test. `host`: the name that it calls it by. `patienceMs`: a request without an answer for so long has failed. */
export function startLoad(
  url: string,
  {
    isKept,
    pid,
    patienceMs = 20_000,
    host = '',
  }: { readonly isKept: boolean; readonly pid?: string; readonly patienceMs?: number | undefined; readonly host?: string },
): Load {
  const words = [process.execPath, '-e', ASKER, url, isKept ? 'keep' : 'close', String(patienceMs), host];
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

/** The same by wrk, two connections: what it counts. `isKept`: they stay for as long as the server lets them. */
export function startWrk(
  url: string,
  { isKept, pid }: { readonly isKept: boolean; readonly pid?: string },
): { readonly end: () => Promise<{ readonly asked: number; readonly failed: readonly string[] }> } {
  const folder = mkdtempSync(join(tmpdir(), 'arpanet-wrk-'));
  const script = join(folder, 'wait.lua');
  writeFileSync(script, 'function delay() return 150 end\n');
  const words = [
    'wrk',
    '-t',
    '1',
    '-c',
    '2',
    '-d',
    '900',
    '--timeout',
    '20s',
    '-s',
    script,
    ...(isKept ? [] : ['-H', 'Connection: close']),
    url,
  ];
  const [command = '', ...rest] = pid === undefined ? words : ['nsenter', `--net=/proc/${pid}/ns/net`, ...words];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  return {
    async end() {
      child.kill('SIGINT'); // it says what it has seen
      if (child.exitCode === null) await once(child, 'close');
      rmSync(folder, { recursive: true });
      return {
        asked: Number(/(\d+) requests in/.exec(said)?.[1]),
        failed: said.split('\n').filter((line) => /Socket errors|Non-2xx/.test(line)),
      };
    },
  };
}
