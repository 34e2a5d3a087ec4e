/** Long work that is one request each, which the host's Engine serves. Effects: requests. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import tar from 'tar-stream';
import { engineJson } from '../../src/engine/request.ts';
import { must } from '../support/cluster/cluster.ts';
import { request } from '../support/cluster/leaders.ts';
import type { Place, Work } from './work.ts';

/** Its client is given an end by then: the host is called down after 10 s. */
const BOUND_MS = 30_000;
/** So slow that no answer is read to its end before the cut. */
const READ_BYTES_A_MS = 1_000;
const COPIED_BYTES = 20_000_000;

type Write = (call: http.ClientRequest, signal: AbortSignal) => Promise<void>;

/** Settles when the client is given an end: an answer that is whole, or a connection that breaks. */
async function ask({ url, over }: Place, method: string, path: string, write: Write = async (call) => void call.end()): Promise<void> {
  const call = http.request(url + path, { method, signal: over, agent: false });
  const failed = once(call, 'error', { signal: over });
  try {
    const [answer] = (await Promise.race([
      once(call, 'response'),
      failed,
      write(call, over).then(() => new Promise<never>(() => undefined)),
    ])) as [http.IncomingMessage];
    for await (const chunk of answer) await sleep((chunk as Buffer).length / READ_BYTES_A_MS, undefined, { signal: over });
  } catch {
    // an end, too
  } finally {
    call.destroy();
  }
}

const sent =
  (body: string | Buffer, type: string): Write =>
  async (call) => {
    call.setHeader('Content-Type', type).setHeader('Content-Length', Buffer.byteLength(body));
    call.end(body);
  };
const json = (body: unknown): Write => sent(JSON.stringify(body), 'application/json');

/** A tar of one file that never comes to its end: half a megabyte a second. */
const trickle: Write = async (call, signal) => {
  const pack = tar.pack();
  const file = pack.entry({ name: 'trickled', size: 1e9 });
  pack.pipe(call);
  while (!signal.aborted && !call.destroyed) {
    file.write(Buffer.alloc(50_000));
    await sleep(100, undefined, { signal });
  }
};

async function archive(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, content);
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const simple = (kind: string, method: string, path: (container: string) => string, write?: Write): Work => ({
  kind,
  boundMs: BOUND_MS,
  begin: async (place) => ({ ended: ask(place, method, path(place.container), write) }),
});

const exec: Work = {
  kind: 'exec',
  boundMs: BOUND_MS,
  async begin(place) {
    const made = await request(
      place.url,
      'POST',
      `/containers/${place.container}/exec`,
      { Cmd: ['sleep', '1000'], AttachStdout: true },
      5_000,
    );
    const id = /"Id":"([0-9a-f]+)"/.exec(made.message)?.[1];
    return id === undefined ? undefined : { ended: ask(place, 'POST', `/exec/${id}/start`, json({ Detach: false, Tty: false })) };
  },
};

const builtBy = (tag: string): string => `sleep 1${Number.parseInt(tag, 36) % 100_000_000}`;

/** The builder is one host for all; if that is not this one, both end at once. */
async function isBuilder({ cluster, host, tag, over }: Place): Promise<boolean> {
  for (let tries = 0; tries < 25 && !over.aborted; tries++) {
    for (const { name, socket } of cluster.lab.hosts) {
      const asked = { method: 'GET', path: '/containers/json', timeoutMs: 2_000 };
      const seen = await engineJson<readonly { readonly Command: string }[]>({ socketPath: socket }, asked).catch(() => []);
      if (seen.some(({ Command }) => Command.includes(builtBy(tag)))) return name === host.name;
    }
    await sleep(200);
  }
  return false;
}

/** With a `docker load` beside it, which goes to the same host. */
const buildAndLoad: Work = {
  kind: 'build and load',
  boundMs: BOUND_MS,
  async begin(place) {
    const stop = new AbortController();
    const here = { ...place, over: AbortSignal.any([place.over, stop.signal]) };
    const context = await archive({ Dockerfile: `FROM busybox\nRUN ${builtBy(place.tag)}\n` });
    const build = ask(here, 'POST', `/build?t=built-${place.tag}&rm=1&forcerm=1`, sent(context, 'application/x-tar'));
    if (!(await isBuilder(place))) {
      stop.abort();
      return undefined;
    }
    return { ended: Promise.all([build, ask(here, 'POST', '/images/load', trickle)]) };
  },
};

/** An image on one host alone; `from` or to the one that is cut off. */
const copyImage = (way: 'from' | 'to'): Work => ({
  kind: `image copied ${way} it`,
  boundMs: BOUND_MS,
  async begin(place) {
    const { cluster, url, host, tag } = place;
    const other = cluster.lab.hosts.find(({ name }) => name !== host.name);
    if (other === undefined) return undefined;
    const [owner, taker] = way === 'from' ? [host, other] : [other, host];
    const image = `copied-${way}:${tag}`;
    const file = `${cluster.lab.dir}/copied-${way}.tar`;
    await writeFile(file, await archive({ bytes: randomBytes(COPIED_BYTES) }));
    await must(cluster.engine(owner.name, 'import', file, image));
    for (let tries = 0; tries < 25; tries++) {
      if ((await request(url, 'GET', `/images/${image}/json`, undefined, 5_000)).status === 200) break;
      await sleep(200);
    }
    const Labels = { 'arpanet.constraints': JSON.stringify([`node.hostname==${taker.name}`]) };
    return { ended: ask(place, 'POST', `/containers/create?name=copied-${way}-${tag}`, json({ Image: image, Cmd: ['/bytes'], Labels })) };
  },
  async clear({ url, tag }) {
    const container = await request(url, 'DELETE', `/containers/copied-${way}-${tag}?force=1`);
    const image = await request(url, 'DELETE', `/images/copied-${way}:${tag}?force=1`);
    return [container, image].every(({ status }) => status === 200 || status === 204 || status === 404);
  },
});

export const STREAMED: readonly Work[] = [
  simple('logs', 'GET', (container) => `/containers/${container}/logs?follow=1&stdout=1`),
  simple('attach', 'POST', (container) => `/containers/${container}/attach?stream=1&stdout=1`),
  simple('wait', 'POST', (container) => `/containers/${container}/wait`),
  simple('stats', 'GET', (container) => `/containers/${container}/stats`),
  simple('cp in', 'PUT', (container) => `/containers/${container}/archive?path=/`, trickle),
  simple('cp out', 'GET', (container) => `/containers/${container}/archive?path=/bin`),
  simple('export', 'GET', (container) => `/containers/${container}/export`),
  simple('save', 'GET', () => '/images/busybox/get'),
  exec,
  buildAndLoad,
  copyImage('from'),
  copyImage('to'),
];
