/** The operator's routes for deployments as a whole; long work is answered as operations.ts says. Effects: express; the work itself is done elsewhere. */
import type { Request, Router } from 'express';
import type { Deployments, DeployRequest } from '../contracts/index.ts';
import { ArpanetError } from '../model/index.ts';
import { clientOf, noteTarget } from '../security/index.ts';
import { bodyOf, readBytes } from './bodies.ts';
import { refuseStale, sendList, sendTagged } from './lists.ts';
import type { AnswerInLines } from './operations.ts';

/** `deploymentsOf`: those that a client may see and change. */
export function deploymentRoutes(router: Router, deploymentsOf: (request: Request) => Deployments, answer: AnswerInLines): void {
  const nameOf = (request: Request): string => String(request.params['name']);
  router.get('/deployments', (request, response) => {
    sendList(
      request,
      response,
      () => deploymentsOf(request).list(),
      ({ name }) => name,
    );
  });
  router.get('/deployments/:name', (request, response) => {
    const found = deploymentsOf(request).find(nameOf(request));
    if (found === undefined) throw new ArpanetError('not-found', `no deployment ${nameOf(request)} was applied as a whole`);
    sendTagged(response, found);
  });
  router.put('/deployments/:name', readBytes(), async (request, response) => {
    const name = nameOf(request);
    noteTarget(request, { object: name, deployment: name });
    const deployments = deploymentsOf(request);
    refuseStale(request, deployments.find(name) ?? null);
    const given = requestIn(request);
    const client = clientOf(request);
    if (isTrue(request.query['dry-run'])) {
      response.json(await deployments.plan(name, given, client));
      return;
    }
    await answer(response, (progress, { id, signal }) => deployments.apply(name, given, { client, operation: id, progress, signal }), {
      stop: true,
    });
  });
  router.delete('/deployments/:name', async (request, response) => {
    const name = nameOf(request);
    noteTarget(request, { object: name, deployment: name });
    const deployments = deploymentsOf(request);
    refuseStale(request, deployments.find(name) ?? null);
    const isWithVolumes = isTrue(request.query['volumes']);
    const client = clientOf(request);
    await answer(
      response,
      (progress, { id, signal }) => deployments.release(name, isWithVolumes, { client, operation: id, progress, signal }),
      { stop: true },
    );
  });
}

const isTrue = (given: unknown): boolean => typeof given === 'string' && /^(?:1|true)$/i.test(given);

/** A compose file as it is, by its content type, or the JSON that says more. */
function requestIn(request: Request): DeployRequest {
  if (!/^(?:application|text)\/(?:x-)?yaml/i.test(request.headers['content-type'] ?? '')) return bodyOf(request, 'DeployRequest');
  const text = Buffer.isBuffer(request.body) ? request.body.toString() : '';
  if (text.trim() === '') throw new ArpanetError('invalid', "the request's body has no compose file");
  return { files: { 'compose.yml': text } };
}
