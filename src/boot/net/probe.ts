/** Asks whether other DHCP servers answer on a network. Effects: UDP sockets at port 68, chance. */
import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROBE_MAC } from '../dnsmasq.ts';
import { discover, offerOf } from './dhcp-packet.ts';

const [SERVER_PORT, CLIENT_PORT] = [67, 68];
const ALL = '255.255.255.255';

/**
 * The addresses of servers that offered an address within `ms`, but for our own, which does not answer this card. Rejects with Node's error where port 68 is another program's.
 * A socket that is bound to an address sends to all of that address' network (Linux ip(7)), and gets nothing that is sent to all: answers come to another one.
 */
export async function otherServers(address: string, ms: number): Promise<readonly string[]> {
  const [sender, receiver] = [createSocket({ type: 'udp4', reuseAddr: true }), createSocket({ type: 'udp4', reuseAddr: true })];
  const found = new Set<string>();
  const transaction = randomInt(2 ** 32 - 1);
  try {
    receiver.on('message', (packet) => {
      const offer = offerOf(packet, transaction);
      if (offer !== undefined && offer.server !== address) found.add(offer.server);
    });
    for (const [socket, at] of [
      [receiver, ALL],
      [sender, address],
    ] as const) {
      socket.bind(CLIENT_PORT, at);
      await once(socket, 'listening');
    }
    sender.setBroadcast(true);
    const packet = discover(PROBE_MAC, transaction);
    // one packet may be lost
    for (let i = 0; i < 2; i++) {
      sender.send(packet, SERVER_PORT, ALL);
      await sleep(ms / 2);
    }
    return [...found].toSorted();
  } finally {
    sender.close();
    receiver.close();
  }
}
