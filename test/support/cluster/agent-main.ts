/**
 * One host agent as a process, so that a test can run it inside a host's network namespace. Argument: AgentOptions as JSON.
 * Its DNS is a stand-in that binds UDP port 53 of each address and answers nothing: the agent is tested here, not its DNS.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { pino } from 'pino';
import { type AgentOptions, startAgent } from '../../../src/hostagent/index.ts';

const options = JSON.parse(process.argv[2] ?? '') as AgentOptions;
const log = pino({ level: process.env['ARPANET_TEST_LOG'] ?? 'info' }, pino.destination({ dest: 2, sync: true }));
const sockets = new Map<string, Socket>();
const dns = {
  async listen(address: string) {
    if (sockets.has(address)) return;
    const socket = createSocket('udp4');
    socket.bind(53, address);
    await once(socket, 'listening');
    sockets.set(address, socket);
  },
  async unlisten(address: string) {
    sockets.get(address)?.close();
    sockets.delete(address);
  },
  table: () => undefined,
  change: () => undefined,
  confirm: () => undefined,
  stats: () => ({ queries: 0, nxdomain: 0, malformed: 0, instances: 0 }),
};
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const running = await startAgent(options, { log, dns, setLogLevel: () => undefined }, stop.signal);
await running.done;
for (const socket of sockets.values()) socket.close();
