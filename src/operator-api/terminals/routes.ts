/** `POST /arpanet/v1/terminals`: prepares a terminal in a container, and gives the ticket that opens its socket. Effects: express. */
import type { Request, Router } from 'express';
import { ArpanetError, type ContainerView } from '../../model/index.ts';
import { noteTarget } from '../../security/index.ts';
import { bodyOf, readBytes } from '../bodies.ts';
import type { Terminals } from './terminals.ts';

/** `containerOf`: of those that who asks may see. Throws `not-found`. */
export function terminalRoutes(
  router: Router,
  terminals: Terminals,
  containerOf: (request: Request, reference: string) => ContainerView,
): void {
  router.post('/terminals', readBytes(), async (request, response) => {
    const asked = bodyOf(request, 'TerminalRequest');
    if (asked.container === undefined) throw new ArpanetError('invalid', 'the request\'s body has no "container"');
    const container = containerOf(request, asked.container);
    noteTarget(request, { object: container.name, host: container.host });
    response.json(await terminals.prepare(request, container, asked));
  });
}
