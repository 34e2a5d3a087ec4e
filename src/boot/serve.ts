/** A boot server: it reports to the leader, and answers machines while the leader lets it. Effects: those of dnsmasq, of the HTTP server and of the probe; the clock. */
import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BootingMachine, BootOrders, BootPass, BootServerReport, SeenMachine } from '../contracts/index.ts';
import { ArpanetError, type MachineRecord } from '../model/index.ts';
import { guarded, inBackground } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';
import { readEvent, type Wire } from './dnsmasq.ts';
import { serveBoot } from './http.ts';
import { servedImage } from './image/read.ts';
import { createLoops } from './loops.ts';
import { machineOf, readMac } from './machine.ts';
import { otherServers } from './net/probe.ts';
import { createDnsmasq } from './run-dnsmasq.ts';
import { QUIET_MS } from './servers.ts';

/** The leader, as a boot server asks it. */
export interface BootLeader {
  readonly report: (report: BootServerReport) => Promise<BootOrders>;
  readonly pass: (machine: BootingMachine) => Promise<BootPass>;
}

export interface BootSettings {
  readonly wire: Wire;
  readonly port: number;
  /** The folder of the image. */
  readonly image: string;
  /** For dnsmasq's files. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
}

const REPORT_MS = 2_000;
const PROBE_EVERY_MS = 30_000;
const PROBE_MS = 3_000;
const MOST_SEEN = 1_000;

/** The first IPv4 address of an interface, as `10.50.0.1/24`, also of one without a carrier, which Node does not list. Throws `unavailable` where there is none: it may come, and the unit starts this again. */
export async function addressOf(name: string): Promise<string> {
  const { stdout } = await promisify(execFile)('ip', ['-j', '-4', 'addr', 'show', 'dev', name]).catch((cause: unknown) => {
    throw new ArpanetError('unavailable', `there is no interface ${name} here: "ip link" lists those that there are`, { cause });
  });
  const links = JSON.parse(stdout || '[]') as readonly {
    readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
  }[];
  const found = links.flatMap(({ addr_info = [] }) => addr_info).find(({ local }) => local !== undefined);
  if (found !== undefined) return `${found.local}/${found.prefixlen}`;
  throw new ArpanetError(
    'unavailable',
    `${name} has no IPv4 address: give it one in the network of the machines (ip addr add 10.50.0.1/24 dev ${name})`,
  );
}

/** Runs until the signal aborts. `ready`: machines are answered now, or another boot server does. Throws `unsupported`, `unavailable` for what is missing here. */
export async function serveMachines(
  { wire, port, image: imageDir, dir, env }: BootSettings,
  leader: BootLeader,
  log: Logger,
  signal: AbortSignal,
  ready: (line: string) => void,
): Promise<void> {
  const url = `http://${wire.address}:${port}`;
  const loops = createLoops();
  const image = servedImage(imageDir);
  const seen = new Map<string, SeenMachine>();
  let machines: readonly MachineRecord[] = [];
  let others: readonly string[] = [];
  let probeFault: string | undefined;
  const macAt = (address: string): string | undefined => server.leases().find((lease) => lease.address === address)?.mac;

  const onLine = (line: string): void => {
    log.debug({ line }, 'dnsmasq');
    const event = readEvent(line);
    if (event?.kind === 'full') log.error({ mac: event.mac }, `no address is left in ${wire.range} for a machine: give more (--range)`);
    if (event?.kind !== 'loader') return;
    const mac = macAt(event.address);
    if (mac === undefined || !loops.loaded(mac, Date.now())) return;
    log.error({ mac, others }, loopText(mac));
    server.tell(machines, loops.silent(Date.now()));
  };
  const server = createDnsmasq({ wire, dir, url, env }, onLine, log);

  const http = await serveBoot(
    { address: wire.address, port },
    {
      url,
      image,
      hostOf: (machine) => machineOf(machines, machine)?.host,
      saw(machine) {
        loops.scripted(machine.mac);
        seen.delete(machine.mac);
        seen.set(machine.mac, machine);
        const [oldest] = seen.keys();
        if (seen.size > MOST_SEEN && oldest !== undefined) seen.delete(oldest);
      },
      checkAddress(address, mac) {
        if (mac === '' || macAt(address) !== readMac(mac))
          throw new ArpanetError(
            'forbidden',
            `${address} is not the address that this server gave to ${mac || 'a card that is not named'}`,
          );
      },
      pass: leader.pass,
      now: Date.now,
      log,
    },
  );
  const end = async (): Promise<void> => {
    await server.stop();
    http.closeAllConnections();
    http.close();
  };

  async function look(): Promise<void> {
    const [found, fault] = await otherServers(wire.address, PROBE_MS).then(
      (servers) => [servers, undefined] as const,
      (error: unknown) => [[], `other DHCP servers cannot be looked for: ${String(error)}`] as const,
    );
    if (found.join() !== others.join())
      log[found.length > 0 ? 'error' : 'info'](
        { others: found },
        found.length > 0 ? otherText(found, wire.interface) : 'no other DHCP server answers any more',
      );
    others = found;
    probeFault = fault;
  }

  /** What its machines run, or why it cannot answer them. */
  async function state(): Promise<Pick<BootServerReport, 'image' | 'trouble'>> {
    const trouble = server.fault();
    if (trouble !== undefined) return { trouble };
    try {
      const { version, kernel } = await image.check();
      return { image: `${version} on Linux ${kernel}` };
    } catch (error) {
      return { trouble: error instanceof Error ? error.message : String(error) };
    }
  }

  const warnings = (): readonly string[] => [
    ...(others.length > 0 ? [otherText(others, wire.interface)] : []),
    ...(probeFault === undefined ? [] : [probeFault]),
    ...loops.silent(Date.now()).map(loopText),
  ];

  let confirmedMs = -Infinity;
  // not after a report: one that is not answered takes its time
  const quiet = setInterval(
    guarded(log, 'the end of what the leader granted', async () => {
      if (server.isRunning() && performance.now() - confirmedMs > QUIET_MS) await server.stop();
    }),
    500,
  );
  try {
    let probedMs = -Infinity;
    let said = '';
    const say = (line: string): void => {
      if (line !== said) ready(line);
      said = line;
    };
    while (!signal.aborted) {
      const now = await state();
      if (now.trouble !== undefined) await server.stop();
      const report: BootServerReport = {
        name: hostname(),
        interface: wire.interface,
        address: wire.address,
        network: wire.subnet.cidr,
        answers: server.isRunning(),
        warnings: warnings(),
        leases: server.leases(),
        seen: [...seen.values()],
        ...now,
      };
      const askedMs = performance.now();
      try {
        const orders = await leader.report(report);
        machines = orders.machines;
        server.tell(machines, loops.silent(Date.now()));
        if (orders.answers) {
          confirmedMs = askedMs;
          server.start(orders.leases);
        } else await server.stop();
        say(
          now.trouble ??
            (orders.answers
              ? `answers machines at ${wire.interface} (${wire.address})`
              : `waits at ${wire.interface}: another boot server answers, or did until a moment ago`),
        );
      } catch (err) {
        log.warn({ err }, 'the leader did not answer: machines are answered for some seconds more');
        say(`no leader answers: ${err instanceof Error ? err.message : String(err)}`);
      }
      if (server.isRunning() && performance.now() - probedMs > PROBE_EVERY_MS) {
        probedMs = performance.now();
        inBackground(log, 'a look for other DHCP servers', look());
      }
      await sleep(REPORT_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    clearInterval(quiet);
    await end();
  }
}

const otherText = (servers: readonly string[], link: string): string =>
  `another DHCP server answers at ${link} (${servers.join(', ')}): machines may take its answer and not boot from here; stop it, or take it off this network`;
const loopText = (mac: string): string =>
  `machine ${mac} loads iPXE again and again and never gets its script: another DHCP server answers it, or something between drops iPXE's options; it is not answered for ten minutes`;
