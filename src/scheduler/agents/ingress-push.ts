/** Published ports of mode ingress, as agents are sent them (claims-push.ts). Pure. */
import { answering, ingressKey, type IngressPort } from '../../model/index.ts';
import type { ClaimKind } from './claims-push.ts';

export const ingressClaims: ClaimKind<IngressPort> = {
  what: 'published ports',
  keysOf: ({ ingress }) => ingress?.ports.map(ingressKey) ?? [],
  /** A port is one service's: that of who asked first. */
  entryOf(key, members, addressOf) {
    const [first] = members;
    const [protocol, port] = [key.startsWith('udp/') ? ('udp' as const) : ('tcp' as const), Number(key.slice(4))];
    const own = members.filter((one) => one.deployment === first?.deployment && one.service === first.service);
    const instances = answering(own, false).flatMap(({ host, ingress }) => {
      const { at, at6 } = addressOf(host);
      const target = ingress?.ports.find((one) => one.port === port && one.protocol === protocol)?.target;
      if (at === undefined || ingress === undefined || target === undefined) return [];
      const { address, address6, isProxied } = ingress;
      const six = address6 === undefined ? {} : { address6, ...(at6 === undefined ? {} : { at6 }) };
      return [{ host, at, address, target, ...six, ...(isProxied === true && protocol === 'tcp' && { isProxied }) }];
    });
    return { port, protocol, instances };
  },
  messageOf: ({ entries, ...part }) => ({ type: 'ingress', ports: entries, ...part }),
};
