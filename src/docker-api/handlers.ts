/** What answers the routes that are more than a read or a forward. */
import type { Exchange } from './request-context.ts';
import type { Execs } from './containers/execs.ts';
import type { Forward } from './proxy/forward.ts';
import { containerMutate } from './containers/mutate.ts';
import type { HandlerName } from './route.ts';
import { commit, containerRemove, containerRename, containerWait, execCreate } from './containers/handlers.ts';
import { containerCreate } from './containers/create.ts';
import { events } from './events/handlers.ts';
import { imageRemove } from './images/remove.ts';
import { build, imageInspect, imageTag, streamToBuilder } from './images/handlers.ts';
import { keptCreate, keptInspect, keptList, keptRemove, keptUpdate } from './swarm/secrets.ts';
import { networkConnect, networkCreate, networkDisconnect, networkRemove } from './networks/handlers.ts';
import { containersPrune } from './containers/prune.ts';
import { buildPrune, imagesPrune } from './images/prune.ts';
import { networksPrune } from './networks/prune.ts';
import { volumesPrune } from './volumes/prune.ts';
import { serviceLogs, taskLogs } from './swarm/service-logs.ts';
import {
  nodeInspect,
  nodeList,
  nodeRemove,
  nodeUpdate,
  serviceCreate,
  serviceInspect,
  serviceList,
  serviceRemove,
  serviceUpdate,
  swarmInit,
  swarmInspect,
  swarmJoin,
  swarmLeave,
  swarmUnlock,
  swarmUnlockKey,
  swarmUpdate,
} from './swarm/services.ts';
import { taskInspect, taskList } from './swarm/tasks.ts';
import { volumeCreate, volumeRemove } from './volumes/handlers.ts';

export type Handler = (call: Exchange) => Promise<void>;

export function createHandlers(forward: Forward, execs: Execs): Readonly<Record<HandlerName, Handler>> {
  return {
    containerCreate,
    containerMutate,
    containerRemove,
    containerRename,
    containerWait,
    containersPrune,
    commit,
    execCreate: (call) => execCreate(call, execs),
    networkCreate,
    networkRemove,
    networkConnect,
    networkDisconnect,
    networksPrune,
    volumeCreate,
    volumeRemove,
    volumesPrune,
    imagePull: (call) => streamToBuilder(call, forward),
    build: (call) => build(call, forward),
    imageInspect,
    imageTag,
    imageRemove,
    imagesPrune,
    buildPrune,
    streamToBuilder: (call) => streamToBuilder(call, forward),
    events,
    serviceList,
    serviceInspect,
    serviceCreate,
    serviceUpdate,
    serviceRemove,
    serviceLogs,
    taskList,
    taskInspect,
    taskLogs,
    nodeList,
    nodeInspect,
    nodeUpdate,
    swarmInit,
    swarmLeave,
    swarmJoin,
    swarmUnlock,
    swarmUnlockKey,
    nodeRemove,
    swarmUpdate,
    swarmInspect,
    keptList,
    keptInspect,
    keptCreate,
    keptUpdate,
    keptRemove,
  };
}
