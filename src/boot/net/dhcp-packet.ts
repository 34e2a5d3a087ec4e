/** A question to all DHCP servers of a network, and their answers (RFC 2131 figure 1, RFC 2132). Pure. */
import { formatAddress } from '../../text/ipv4.ts';

const COOKIE = [99, 130, 83, 99];
const [PAD, MESSAGE, SERVER, END] = [0, 53, 54, 255];
const [DISCOVER, OFFER] = [1, 2];

/** DHCPDISCOVER of this card. Answers come to all (the broadcast flag), as the card has no address. */
export function discover(mac: string, transaction: number): Buffer {
  const packet = Buffer.alloc(300);
  packet.set([1, 1, 6, 0]);
  packet.writeUInt32BE(transaction, 4);
  packet.writeUInt16BE(0x8000, 10);
  packet.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 28);
  packet.set([...COOKIE, MESSAGE, 1, DISCOVER, END], 236);
  return packet;
}

/** The server and the address that it offers in this transaction; undefined: the packet is no offer of it. */
export function offerOf(packet: Buffer, transaction: number): { readonly server: string; readonly address: string } | undefined {
  if (
    packet.length < 244 ||
    packet[0] !== 2 ||
    packet.readUInt32BE(4) !== transaction ||
    !COOKIE.every((byte, i) => packet[236 + i] === byte)
  )
    return undefined;
  let server: string | undefined;
  let isOffer = false;
  for (let at = 240; at < packet.length && packet[at] !== END; ) {
    const code = packet[at] ?? END;
    if (code === PAD) {
      at += 1;
      continue;
    }
    const length = packet[at + 1] ?? 0;
    const value = packet.subarray(at + 2, at + 2 + length);
    if (code === MESSAGE) isOffer = value[0] === OFFER;
    if (code === SERVER && value.length === 4) server = formatAddress(value.readUInt32BE(0));
    at += 2 + length;
  }
  return isOffer && server !== undefined ? { server, address: formatAddress(packet.readUInt32BE(16)) } : undefined;
}
