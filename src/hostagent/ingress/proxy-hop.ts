/**
 * Effects: a listener for calls that agents of other hosts carry here with a line of the PROXY protocol, while an instance of this host wants one. Containers do not reach its port on
 * any host (isolation/closed-plan.ts), and no other machine is listened to: nobody else says who called.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { PROXY_HOP_PORT, type IngressTable } from '../../model/ingress.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { calledPort, MOST_PROXY_LINE } from '../../text/proxy-line.ts';
import { carryHop } from './carry.ts';

export interface ProxyHop {
  /** Listens while an instance of this host is called so; resolves once it does, or cannot. */
  readonly follow: (table: IngressTable) => Promise<void>;
  /** Why it does not, in a sentence. */
  readonly trouble: () => string | undefined;
}

/** The line comes with the first packet. */
const LINE_MS = 3_000;

export function createProxyHop(host: string, log: Logger): ProxyHop {
  let table: IngressTable = { ports: [], hosts: [] };
  let server: Server | undefined;
  let failure: string | undefined;

  async function take(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    const from = client.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    const isHost = table.hosts.includes(from) || table.hosts6?.includes(from) === true;
    const line = isHost ? await lineOf(client) : undefined;
    const called = line === undefined ? undefined : calledPort(line);
    const port = table.ports.find((one) => one.protocol === 'tcp' && one.port === called);
    if (line === undefined || port === undefined) client.resetAndDestroy();
    else await carryHop(client, port, host, line);
  }
  function listen(): Promise<void> {
    return new Promise((resolve) => {
      const one = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, guarded(log, 'a call of another host', take));
      one.once('error', (error: NodeJS.ErrnoException) => {
        server = undefined;
        if (failure === undefined)
          log.warn({ port: PROXY_HOP_PORT, why: error.code }, 'the port for callers’ addresses is another program’s');
        failure = `instances with callers’ addresses are not reached from other hosts: another program has port ${PROXY_HOP_PORT} (${error.code})`;
        resolve();
      });
      one.listen({ port: PROXY_HOP_PORT, exclusive: true }, () => {
        one.unref();
        server = one;
        failure = undefined;
        resolve();
      });
    });
  }

  return {
    async follow(next) {
      table = next;
      const isWanted = next.ports.some(({ instances }) => instances.some((one) => one.host === host && one.isProxied === true));
      if (isWanted && server === undefined) await listen();
      if (isWanted) return;
      server?.close();
      server = undefined;
      failure = undefined;
    },
    trouble: () => failure,
  };
}

/** What comes after it stays to be read. Undefined: none came in time. */
function lineOf(client: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const end = (line: string | undefined): void => {
      clearTimeout(timer);
      client.off('data', read).off('close', gone).pause();
      resolve(line);
    };
    const gone = (): void => end(undefined);
    const read = (part: Buffer): void => {
      seen = Buffer.concat([seen, part]);
      const at = seen.subarray(0, MOST_PROXY_LINE).indexOf('\r\n');
      if (at < 0) return seen.length < MOST_PROXY_LINE ? undefined : end(undefined);
      end(seen.toString('latin1', 0, at + 2));
      if (seen.length > at + 2) client.unshift(seen.subarray(at + 2));
    };
    const timer = setTimeout(gone, LINE_MS);
    client.on('data', read).once('close', gone);
  });
}
