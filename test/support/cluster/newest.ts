/** The newest docker command line that can be had, with its compose and buildx, pointed at a cluster. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Cluster, must, runProgram, shop } from './cluster.ts';
import { tools } from './paths.ts';

/** Runs it in a folder (the shop's), with more in its environment; throws unless it exits with 0. */
export function newestDocker(cluster: Cluster, cwd = shop, more: NodeJS.ProcessEnv = {}): (...args: string[]) => Promise<string> {
  const config = join(cluster.lab.dir, 'newest-config');
  mkdirSync(config, { recursive: true });
  const plugins = [tools.newestCompose(), tools.newestBuildx()].map((path) => dirname(path));
  writeFileSync(join(config, 'config.json'), JSON.stringify({ cliPluginsExtraDirs: plugins }));
  const env = { ...process.env, DOCKER_HOST: cluster.endpoint, DOCKER_CONFIG: config, ...more };
  return (...args) => must(runProgram(tools.newestCli(), args, { env, cwd }));
}
