/** Which machine is which host: by the MAC address of a network card, by the serial number of its board (SMBIOS), or by both. Pure. */
import type { BootingMachine, BootLease, BootMachine, SeenMachine } from '../contracts/index.ts';
import { ArpanetError, type MachineRecord } from '../model/index.ts';

/** Lower case with colons; undefined for what is no MAC address, or none of one card (IEEE 802: the lowest bit of the first byte is of groups). */
export function readMac(text: string): string | undefined {
  const digits = /^[0-9a-f]{12}$|^([0-9a-f]{2}([:-])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2})$/i.test(text) ? text.replaceAll(/[:-]/g, '') : '';
  if (digits === '' || /^0{12}$/.test(digits) || (parseInt(digits.slice(0, 2), 16) & 1) === 1) return undefined;
  return (digits.toLowerCase().match(/../g) ?? []).join(':');
}

/** What boards have in place of a serial number. */
const NO_SERIAL =
  /^(0+|1234567890?|none|n\/a|unknown|not (specified|available|applicable)|default string|system serial number|to be filled by o\.?e\.?m\.?|(.)\3*)$/i;

/** As it is compared; undefined for what cannot tell machines apart. */
export function readSerial(text: string): string | undefined {
  const serial = text.trim();
  return /^[\x20-\x7e]{2,64}$/.test(serial) && !NO_SERIAL.test(serial) ? serial.toLowerCase() : undefined;
}

/** Of a request to approve a machine. Throws `invalid` for what is no MAC address or serial number. */
export function machineIds({
  macs = [],
  serial,
}: {
  readonly macs?: readonly string[];
  readonly serial?: string;
}): Pick<MachineRecord, 'macs' | 'serial'> {
  const read = macs.map((text) => {
    const mac = readMac(text);
    if (mac === undefined)
      throw new ArpanetError('invalid', `--mac is "${text}": it is the address of a network card, as 52:54:00:12:34:56`);
    return mac;
  });
  const own = serial === undefined ? undefined : readSerial(serial);
  if (serial !== undefined && own === undefined)
    throw new ArpanetError(
      'invalid',
      `--serial is "${serial}": it is the serial number of the machine's board, which no other has (dmidecode -s system-serial-number); approve it by --mac where it has none`,
    );
  return { macs: [...new Set(read)].toSorted(), ...(own !== undefined && { serial: own }) };
}

/** The one that it is, if it was approved. A record with both wants both. */
export function machineOf(machines: readonly MachineRecord[], { mac, serial }: BootingMachine): MachineRecord | undefined {
  const [card, board] = [readMac(mac), readSerial(serial)];
  return machines.find(
    ({ macs, serial: wanted }) =>
      (macs.length > 0 || wanted !== undefined) &&
      (macs.length === 0 || (card !== undefined && macs.includes(card))) &&
      (wanted === undefined || wanted === board),
  );
}

/** Why a host is not approved by these; undefined: it may be. */
export function approvalFault(
  machines: readonly MachineRecord[],
  host: string,
  { macs, serial }: Pick<MachineRecord, 'macs' | 'serial'>,
): string | undefined {
  const other = machines.find(
    (one) => one.host !== host && (one.macs.some((mac) => macs.includes(mac)) || (serial !== undefined && one.serial === serial)),
  );
  if (other === undefined) return undefined;
  return `host ${other.host} is approved by ${macs.find((mac) => other.macs.includes(mac)) ?? `the serial number ${serial}`} already: a machine is one host ("arpanet hosts rm ${other.host}" forgets it)`;
}

/** All that are approved, and all that have asked. `stateOf`: of a host; undefined: there is none yet. */
export function machinesShown(
  machines: readonly MachineRecord[],
  seen: readonly SeenMachine[],
  leases: readonly BootLease[],
  stateOf: (host: string) => string | undefined,
): readonly BootMachine[] {
  const addressOf = (macs: readonly string[]): Pick<BootMachine, 'address'> => {
    const address = leases.find(({ mac }) => macs.includes(mac))?.address;
    return address === undefined ? {} : { address };
  };
  const said = (one: SeenMachine | undefined): Partial<BootMachine> =>
    one === undefined ? {} : { product: one.product, firmware: one.firmware, bootedMs: one.atMs };
  const approved = machines.map((record): BootMachine => {
    const last = seen.find((one) => machineOf([record], one) !== undefined);
    const { host, macs, serial } = record;
    return {
      host,
      state: stateOf(host) ?? 'approved',
      macs,
      ...(serial !== undefined && { serial }),
      ...addressOf(last === undefined ? macs : [...macs, last.mac]),
      ...said(last),
    };
  });
  const strangers = seen
    .filter((one) => machineOf(machines, one) === undefined)
    .map(
      (one): BootMachine => ({
        state: 'stranger',
        macs: [one.mac],
        ...(one.serial !== '' && { serial: one.serial }),
        ...addressOf([one.mac]),
        ...said(one),
      }),
    );
  return [...approved.toSorted((a, b) => (a.host ?? '').localeCompare(b.host ?? '')), ...strangers];
}
