/** Effects: the files of an agent's data folder: all that it must still know after a restart when no leader answers. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NetworkPlan } from '../model/facts.ts';
import type { HttpTable } from '../model/http.ts';
import type { IngressTable } from '../model/ingress.ts';
import type { StoreReplica } from '../model/wire.ts';
import type { Logger } from '../telemetry/log.ts';
import { agentFiles as schemas } from '../schemas/index.ts';
import { type KeptChecks, openKeptChecks } from './checks/kept-checks.ts';
import { type EpochGuard, openEpoch } from './gateway/epoch.ts';
import { type JsonFile, openJsonFile } from './json-file.ts';
import { type NamesFile, openNamesFile } from './names/names-file.ts';

export interface AgentFiles {
  readonly epoch: EpochGuard;
  /** The name table that the leader sent last; its `atMs` is when it came, by this host's clock. */
  readonly names: NamesFile;
  readonly plans: JsonFile<readonly NetworkPlan[]>;
  /** Records of the store, for `arpanet recover`. */
  readonly replica: JsonFile<StoreReplica>;
  /** Published ports that this host answers for. */
  readonly ingress: JsonFile<IngressTable>;
  /** Names by which HTTP reaches services. */
  readonly http: JsonFile<HttpTable>;
  /** What checks by label found. */
  readonly checks: KeptChecks;
  /** Path of the list of hosts whose overlay packets are dropped. */
  readonly fencePath: string;
}

/** Makes the folder if it does not exist. */
export function openAgentFiles(dataDir: string, log: Logger): AgentFiles {
  mkdirSync(dataDir, { recursive: true });
  return {
    epoch: openEpoch(dataDir, log),
    names: openNamesFile(dataDir, log),
    plans: openJsonFile(
      join(dataDir, 'plans.json'),
      { schema: schemas.plans, loss: 'networks of this host are not repaired until a leader is connected, which sends the plans again' },
      log,
    ),
    replica: openJsonFile(
      join(dataDir, 'kept.json'),
      { schema: schemas.replica, loss: '"arpanet recover" cannot use this host’s copy of the store until a leader has sent it again' },
      log,
    ),
    ingress: openJsonFile(
      join(dataDir, 'ingress.json'),
      { schema: schemas.ingress, loss: 'this host answers for no published ports until a leader is connected, which sends them again' },
      log,
    ),
    http: openJsonFile(
      join(dataDir, 'http.json'),
      { schema: schemas.http, loss: 'this host answers for no names of HTTP until a leader is connected, which sends them again' },
      log,
    ),
    checks: openKeptChecks(dataDir, log),
    fencePath: join(dataDir, 'fence.json'),
  };
}
