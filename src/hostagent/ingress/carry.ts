/** Effects: carries a call of a published port to one of its instances, where the kernel's rules do not lead it. */
import { connect, type Socket } from 'node:net';
import { splice } from '../../engine/splice.ts';
import { PROXY_HOP_PORT, type IngressInstance, type IngressPort } from '../../model/ingress.ts';
import { proxyLine } from '../../text/proxy-line.ts';

const DIAL_MS = 3_000;
/** Of all ports together: each has two descriptors, of 65,536 that the agent has for all of its work (arpanet-agent.service). */
const MOST_CARRIED = 10_000;
let carried = 0;

/** `host`: the name of this one. The caller is reset where no instance answers, or the agent carries too many. */
export async function carryCall(client: Socket, port: IngressPort, host: string, most = MOST_CARRIED): Promise<void> {
  const line = proxyLine(client);
  const isProxied = port.instances.some((one) => one.isProxied === true);
  await joinOne(
    client,
    port.instances,
    (one) => {
      if (one.host === host) return { host: one.address, port: one.target, first: one.isProxied === true ? line : '' };
      return isProxied ? { host: one.at, port: PROXY_HOP_PORT, first: line } : { host: one.at, port: port.port, first: '' };
    },
    most,
  );
}

/** The same for what another host took, with the line that it sent: only to an instance here. */
export async function carryHop(client: Socket, port: IngressPort, host: string, line: string): Promise<void> {
  const here = port.instances.filter((one) => one.host === host);
  await joinOne(client, here, (one) => ({ host: one.address, port: one.target, first: one.isProxied === true ? line : '' }));
}

interface To {
  readonly host: string;
  readonly port: number;
  /** What it is sent before what the caller sends. */
  readonly first: string;
}

/** One by chance, and each of the others where that one does not answer. */
async function joinOne(
  client: Socket,
  instances: readonly IngressInstance[],
  toOf: (one: IngressInstance) => To,
  most = MOST_CARRIED,
): Promise<void> {
  if (client.destroyed) return;
  if (carried >= most) {
    client.resetAndDestroy();
    return;
  }
  carried += 1;
  client.once('close', () => (carried -= 1));
  const begin = Math.floor(Math.random() * instances.length);
  for (const one of [...instances.slice(begin), ...instances.slice(0, begin)]) {
    const { first, ...to } = toOf(one);
    const upstream = await opened(to);
    if (upstream === undefined) continue;
    if (client.destroyed) upstream.destroy();
    else {
      if (first !== '') upstream.write(first);
      splice(client, upstream);
    }
    return;
  }
  client.resetAndDestroy();
}

function opened(to: { readonly host: string; readonly port: number }): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
    const failed = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(DIAL_MS, failed);
    socket.once('error', failed).once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', failed).on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}
