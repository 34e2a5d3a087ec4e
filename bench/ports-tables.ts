/** Tables of published ports as large as the issue's: 1,000 services of ten instances. */
import type { IngressPort } from '../src/model/ingress.ts';

export const SERVICES = 1_000;
export const INSTANCES = 10;

export const servicePort = (service: number, running: number): IngressPort => ({
  port: 10_000 + service,
  protocol: 'tcp',
  instances: Array.from({ length: running }, (_one, n) => ({
    host: n < 2 ? 'h1' : `h${n}`,
    at: `10.9.0.${n + 1}`,
    address: `10.32.${service % 250}.${n + 1}`,
    target: 80,
  })),
});
