/** What a person types after `arpanet up`, in the forms that run on this machine. `nextSteps` is pure; effects of `programsHere`: it looks for programs and runs one. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { promisify } from 'node:util';

export interface ProgramsHere {
  readonly docker: boolean;
  /** How compose is called: the plugin of the docker command, compose 1, or not at all. */
  readonly compose: 'docker compose' | 'docker-compose' | undefined;
  /** How this program is called: `arpanet`, or `node FILE`. */
  readonly arpanet: string;
  /** The example's compose file as seen from here, or undefined where it did not come along. */
  readonly shop: string | undefined;
}

const SHOP = 'examples/shop/docker-compose.yml';

/** `main`: the file of this program. */
export async function programsHere(env: NodeJS.ProcessEnv, main: string): Promise<ProgramsHere> {
  const isOnPath = (program: string) =>
    (env['PATH'] ?? '').split(delimiter).some((dir) => dir !== '' && can(join(dir, program), constants.X_OK));
  const docker = isOnPath('docker');
  // The plugin may be in any of several folders: docker knows.
  const hasPlugin = docker && (await promisify(execFile)('docker', ['compose', 'version'], { env }).then(Boolean, () => false));
  return {
    docker,
    compose: hasPlugin ? 'docker compose' : isOnPath('docker-compose') ? 'docker-compose' : undefined,
    arpanet: isOnPath('arpanet') ? 'arpanet' : `${isOnPath('node') ? 'node' : process.execPath} ${relative('', main)}`,
    shop: can(SHOP, constants.R_OK) ? SHOP : undefined,
  };
}

function can(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The lines that are printed when the cluster is up. `endpoint`: `tcp://HOST:PORT`. */
export function nextSteps(endpoint: string, hosts: number, here: ProgramsHere): string {
  const list = here.docker ? `docker ps --format '{{.Label "arpanet.host"}}\\t{{.Names}}\\t{{.Status}}'` : `${here.arpanet} ps`;
  return [
    '',
    `The cluster is up: ${hosts} host${hosts === 1 ? '' : 's'}. In another terminal:`,
    '',
    `  export DOCKER_HOST=${endpoint}`,
    ...[here.docker ? 'docker info' : `${here.arpanet} status`, ...exampleOf(here), list].map((line) => `  ${line}`),
    '',
    'Ctrl-C stops and removes it.',
  ].join('\n');
}

/** The example's deployment with several instances of one service, and a look into it. */
function exampleOf({ docker, compose, arpanet, shop }: ProgramsHere): readonly string[] {
  if (shop === undefined) return docker ? ['docker run -d --name hello redis'] : [];
  // Compose 1 puts underscores into names.
  const web = compose === 'docker-compose' ? 'abc_web_1' : 'abc-web-1';
  const look = docker ? [`docker exec ${web} wget -qO- http://localhost/`] : [];
  if (compose !== undefined) return [`${compose} -f ${shop} -p abc up -d --build --scale pricing=4`, ...look];
  return [`${arpanet} deploy -f ${shop} -p abc`, `${arpanet} scale abc/pricing=4`, ...look];
}
