/** The routes for machines that are to join: the script, the package, what the leader says before anything is changed there. Effects: express. */
import type { Response, Router } from 'express';
import { pipeline } from 'node:stream';
import { ArpanetError } from '../../model/index.ts';
import { bodyOf, type JoinCheckRequest, type JoinPathsRequest, readShortBytes } from '../bodies.ts';
import { programPackage } from './program-package.ts';
import { type Installer, joinScript, type ScriptPlace } from './script.ts';

/** A line for who runs the script. */
export interface JoinFinding {
  /** `joined`: the machine is that host already, and connected. `path`: a host answers it by VXLAN. */
  readonly kind: 'ok' | 'note' | 'fail' | 'joined' | 'path';
  readonly text: string;
  /** Of a failure: what to do. Of `joined`: the release of its agent. Of `path`: the host's address, its address inside, VNI, the machine's address inside, MTU. */
  readonly todo?: string;
}

/** What the leader contributes. All throw `not-leader`. */
export interface Joining {
  /** Where machines reach it. Throws `conflict` where none can. */
  readonly place: () => ScriptPlace & Pick<Installer, 'url' | 'pin'>;
  /** Throws `unauthorized` for a wrong token. */
  readonly check: (request: JoinCheckRequest) => readonly JoinFinding[];
  /** Lets hosts answer the machine, and says which. Throws `unauthorized`, `invalid`. */
  readonly paths: (request: JoinPathsRequest) => Promise<readonly JoinFinding[]>;
  readonly version: string;
}

export function joiningRoutes(router: Router, joining: () => Joining): void {
  const installer = async (): Promise<Installer> => {
    const { url, pin } = joining().place();
    const sha256 = (await programPackage())?.sha256;
    return { url, version: joining().version, ...(pin && { pin }), ...(sha256 && { sha256 }) };
  };
  router.get('/installer', async (_request, response) => {
    response.json(await installer());
  });
  router.get('/join.sh', async (_request, response) => {
    plainText(response, joinScript(await installer(), joining().place()));
  });
  router.get('/package', async (_request, response) => {
    const found = await programPackage();
    if (found === undefined)
      throw new ArpanetError('not-found', 'this scheduler runs from a clone or an npm package, and has no package to hand on');
    response.writeHead(200, { 'Content-Type': 'application/gzip', 'Content-Length': found.bytes });
    pipeline(found.read(), response, () => undefined);
  });
  router.post('/join/check', readShortBytes(), (request, response) => {
    plainText(response, joining().check(bodyOf(request, 'JoinCheckRequest')).map(lineOf).join(''));
  });
  router.post('/join/paths', readShortBytes(), async (request, response) => {
    plainText(response, (await joining().paths(bodyOf(request, 'JoinPathsRequest'))).map(lineOf).join(''));
  });
}

/** As a shell reads it. */
const lineOf = ({ kind, text, todo = '' }: JoinFinding): string =>
  `${[kind, text, todo].map((part) => part.replaceAll(/[|\n]/g, ' ')).join('|')}\n`;

function plainText(response: Response, text: string): void {
  response.type('text/plain').set('Cache-Control', 'no-store').send(text);
}
