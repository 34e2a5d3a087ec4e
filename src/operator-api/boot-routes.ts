/** The operator's routes for machines that boot from the network. Effects: express. */
import type { Router } from 'express';
import type { Boot } from '../contracts/index.ts';
import { ArpanetError } from '../model/index.ts';
import { noteTarget } from '../security/index.ts';
import { bodyOf, readBytes } from './bodies.ts';

/** Throws `not-leader` on a scheduler that does not lead. */
export function bootRoutes(router: Router, boot: () => Boot): void {
  router.get('/boot', (_request, response) => {
    response.json(boot().state());
  });
  router.post('/boot/servers', readBytes(), (request, response) => {
    const { name, interface: link, address, network, trouble, image, ...more } = bodyOf(request, 'BootServerRequest');
    if (!name || !link || !address || !network)
      throw new ArpanetError('invalid', 'the request\'s body has no "name", "interface", "address" and "network"');
    const { answers = false, warnings, leases, seen } = more;
    const report = { name, interface: link, address, network, answers, warnings: warnings ?? [], leases: leases ?? [], seen: seen ?? [] };
    response.json(boot().report({ ...report, ...(trouble && { trouble }), ...(image && { image }) }));
  });
  router.post('/boot/pass', readBytes(), async (request, response) => {
    const { mac = '', serial = '' } = bodyOf(request, 'BootPassRequest');
    const pass = await boot().pass({ mac, serial });
    noteTarget(request, { object: pass.host, host: pass.host });
    response.json(pass);
  });
}
