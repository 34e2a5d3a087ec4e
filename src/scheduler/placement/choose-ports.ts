/**
 * The numbers of ports that a client leaves open: of a range (`-p 8000-8010:80`), and, where ports of all hosts are answered at one address, of a port
 * without a number (`-p 80`, `-P`). An Engine chooses at each start among its own (moby libnetwork/portallocator); here it is done once, for the whole
 * cluster. Pure.
 */
import type { HostConfig } from '../../model/index.ts';
import { refersTo } from '../create/identify.ts';
import { heldBy, type HostPort, meet } from './host-ports.ts';
import type { PlacedContainer } from './snapshot.ts';

/** Below the ports that Linux gives to connections (`net.ipv4.ip_local_port_range`), here and on the hosts. */
const FIRST = 20_000;
const LAST = 32_767;

/** A container that has a port or asks for it, and its host. */
export interface PortHolder {
  readonly host: string;
  readonly container: PlacedContainer;
}

/** Of one number, whatever their state and address. `protocol`: `tcp`. */
export type PortHolders = (port: number, protocol: string) => readonly PortHolder[];

export interface PortQuestion {
  readonly bindings: HostConfig['PortBindings'];
  /** To be published without a number, `80/tcp`; what has bindings is left out. */
  readonly exposed: readonly string[];
  readonly holders: PortHolders;
  /** The host that was chosen. */
  readonly host: string;
  /** All hosts' TCP ports are answered at one address: a number is one container's. */
  readonly isAtOneAddress: boolean;
  /** A container that goes when this one comes, by id or name. */
  readonly replaces?: string | undefined;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** By container port the numbers as its bindings have them, in their order; empty texts are left to the Engine. */
export type ChosenPorts = Readonly<Record<string, readonly string[]>>;

/** `chosen` is undefined when nothing is left open; `isExhausted`: all ports of a range are held. */
export function choosePorts(question: PortQuestion): { readonly chosen?: ChosenPorts; readonly isExhausted?: true } {
  const { bindings, exposed, isAtOneAddress } = question;
  const given = Object.entries(bindings ?? {}).map(([port, list]) => [port, list ?? []] as const);
  const more = isAtOneAddress ? exposed.filter((port) => !given.some(([known, list]) => known === port && list.length > 0)) : [];
  const open = [...given, ...more.map((port) => [port, [{}]] as const)];
  const mine: HostPort[] = [];
  let isChosen = false;
  const chosen: Record<string, readonly string[]> = {};
  for (const [port, list] of open) {
    const numbers: string[] = [];
    for (const binding of list) {
      const { HostIp: ip = '', HostPort: text = '' } = binding as { readonly HostIp?: string; readonly HostPort?: string };
      const wanted = spanOf(text, isAtOneAddress);
      if (wanted === undefined) {
        numbers.push(text);
        continue;
      }
      const number = firstFree(question, { ip, protocol: protocolOf(port), ...wanted }, mine, text === '' || text === '0');
      if (number === undefined) return { isExhausted: true };
      mine.push({ ip, from: number, to: number, protocol: protocolOf(port) });
      numbers.push(String(number));
      isChosen = true;
    }
    chosen[port] = numbers;
  }
  return isChosen ? { chosen } : {};
}

/** The bindings as the Engine shall have them. */
export function withChosen(bindings: HostConfig['PortBindings'], chosen: ChosenPorts): NonNullable<HostConfig['PortBindings']> {
  const made = Object.entries(chosen).map(([port, numbers]) => {
    const asked = bindings?.[port] ?? [];
    return [port, numbers.map((HostPort, index) => ({ ...asked[index], HostPort }))] as const;
  });
  return { ...bindings, ...Object.fromEntries(made) };
}

const protocolOf = (port: string) => port.split('/')[1] ?? 'tcp';

/** Undefined: it is no question. */
function spanOf(text: string, isAtOneAddress: boolean): { readonly from: number; readonly to: number } | undefined {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined) return Number(from) < Number(to) ? { from: Number(from), to: Number(to) } : undefined;
  return isAtOneAddress && (text === '' || text === '0') ? { from: FIRST, to: LAST } : undefined;
}

/** One that nobody in the cluster has or had; else one that only stopped containers have; else, where each host answers for itself, one free there. */
function firstFree(question: PortQuestion, wanted: HostPort, mine: readonly HostPort[], isAnywhere: boolean): number | undefined {
  const { holders, host, replaces, random, isAtOneAddress } = question;
  const size = wanted.to - wanted.from + 1;
  const start = isAnywhere ? Math.floor(random() * size) % size : 0;
  const runs = ({ container }: PortHolder) => container.state !== 'stopped';
  const tries: readonly ((holder: PortHolder) => boolean)[] = [
    () => true,
    runs,
    // UDP and SCTP are answered on the hosts alone
    ...(isAtOneAddress && wanted.protocol === 'tcp' ? [] : [(holder: PortHolder) => runs(holder) && holder.host === host]),
  ];
  const isHeld = (number: number, held: HostPort) => held.from <= number && number <= held.to && meet(held, wanted);
  for (const counts of tries) {
    for (let step = 0; step < size; step++) {
      const number = wanted.from + ((start + step) % size);
      if (mine.some((held) => isHeld(number, held))) continue;
      const isTaken = holders(number, wanted.protocol).some(
        (holder) =>
          counts(holder) && !refersTo(replaces, holder.container) && heldBy(holder.container).some((held) => isHeld(number, held)),
      );
      if (!isTaken) return number;
    }
  }
  return undefined;
}
