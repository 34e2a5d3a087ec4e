/** The HTTP server for machines that boot: scripts, the image, and which host a machine is. Plain: the iPXE of Debian 12 knows no P-256. Effects: a listening socket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream';
import type { BootingMachine, BootPass, SeenMachine } from '../contracts/index.ts';
import { ArpanetError, statusOf } from '../model/index.ts';
import { guarded } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';
import { IMAGE_FILES } from './image/plan.ts';
import type { ServedImage } from './image/read.ts';
import { bootScript, firstScript, refusal, strangerLines } from './ipxe.ts';
import { readMac } from './machine.ts';

export interface BootHttpDeps {
  readonly url: string;
  readonly image: ServedImage;
  /** The host that it is approved as. */
  readonly hostOf: (machine: BootingMachine) => string | undefined;
  readonly saw: (machine: SeenMachine) => void;
  /** Throws `forbidden` for an address that was not given to this card. */
  readonly checkAddress: (address: string, mac: string) => void;
  /** Asks the leader. Throws what it says. */
  readonly pass: (machine: BootingMachine) => Promise<BootPass>;
  readonly now: () => number;
  readonly log: Logger;
}

const MOST_CONNECTIONS = 512;
/** A machine that takes nothing for so long (ms) is gone. */
const STALL_MS = 60_000;

/** Rejects with `unavailable` where it cannot listen. */
export async function serveBoot(at: { readonly address: string; readonly port: number }, deps: BootHttpDeps): Promise<Server> {
  const server = createServer((request, response) =>
    guarded(deps.log, 'a request of a machine that boots', () => answer(request, response, deps))(),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = STALL_MS;
  server.listen(at.port, at.address);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new ArpanetError(
      'unavailable',
      `cannot listen at ${at.address}:${at.port} for machines that boot: ${String(cause)}. Another --port?`,
      { cause },
    );
  }
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, deps: BootHttpDeps): Promise<void> {
  try {
    await route(request, response, deps);
  } catch (error) {
    const message = error instanceof ArpanetError ? error.message : 'an unexpected error: the log of the boot server has it';
    send(response, error instanceof ArpanetError ? statusOf(error) : 500, 'application/json', `${JSON.stringify({ message })}\n`);
    if (!(error instanceof ArpanetError)) throw error;
  }
}

async function route(request: IncomingMessage, response: ServerResponse, deps: BootHttpDeps): Promise<void> {
  request.resume();
  const asked = request.url ?? '/';
  if (!URL.canParse(asked, 'http://boot')) throw new ArpanetError('invalid', 'the request has no path that can be read');
  const { pathname, searchParams } = new URL(asked, 'http://boot');
  // any machine says this, and terminals show it
  const text = (name: string): string => (searchParams.get(name) ?? '').slice(0, 128).replaceAll(/[^\x20-\x7e]/g, '\ufffd');
  const machine = { mac: readMac(text('mac')) ?? '', serial: text('serial') };
  const isPost = request.method === 'POST';
  if (!isPost && request.method !== 'GET' && request.method !== 'HEAD')
    throw new ArpanetError('invalid', `${request.method} is nothing that a boot server answers`);
  const script = (body: string): void => send(response, 200, 'text/plain', body);
  if (isPost && pathname === '/join') {
    deps.checkAddress(request.socket.remoteAddress ?? '', machine.mac);
    const { host, token, join } = await deps.pass(machine);
    deps.log.info({ host, mac: machine.mac }, 'a machine that booted joins');
    return script(`host=${host}\ntoken=${token}\njoin=${join.join(',')}\n`);
  }
  const file = IMAGE_FILES.find((name) => pathname === `/image/${name}`);
  if (!isPost && pathname === '/boot.ipxe') return script(firstScript(deps.url));
  if (!isPost && pathname === '/machine.ipxe')
    return script(await scriptFor(machine, { product: text('product'), firmware: text('firmware') }, deps));
  if (isPost || file === undefined)
    throw new ArpanetError('not-found', `a boot server has no ${pathname}: /boot.ipxe, /machine.ipxe, /image/…, and POST /join`);
  const { files } = await deps.image.check();
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': files[file].bytes });
  if (request.method === 'HEAD') response.end();
  else
    pipeline(deps.image.open(file), response, (error) => error && deps.log.debug({ err: error, file }, 'a machine did not take all of it'));
}

async function scriptFor(machine: BootingMachine, more: Pick<SeenMachine, 'product' | 'firmware'>, deps: BootHttpDeps): Promise<string> {
  if (machine.mac === '') throw new ArpanetError('invalid', '/machine.ipxe wants the address of a network card: mac=52:54:00:12:34:56');
  deps.saw({ ...machine, ...more, atMs: deps.now() });
  const host = deps.hostOf(machine);
  if (host === undefined) {
    deps.log.warn(
      { ...machine, ...more },
      `a machine that no host is approved for asks to boot: arpanet hosts add NAME --mac ${machine.mac}`,
    );
    return refusal(strangerLines(machine.mac, machine.serial));
  }
  try {
    const { files, words } = await deps.image.check();
    deps.log.info({ host, mac: machine.mac }, 'a machine boots');
    return bootScript(host, machine.mac, deps.url, { root: files['root.squashfs'].sha256, words }, deps.now());
  } catch (error) {
    if (!(error instanceof ArpanetError)) throw error;
    deps.log.error({ host, err: error }, 'a machine cannot boot');
    return refusal([`this machine is host ${host}`, error.message]);
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  response.end(body);
}
