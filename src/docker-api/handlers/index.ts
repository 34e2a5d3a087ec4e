/** What answers the routes that are more than a read or a forward. */
import type { Exchange } from '../context.ts';
import type { Execs } from '../execs.ts';
import type { Forward } from '../forward.ts';
import { containerMutate } from '../mutate.ts';
import type { HandlerName } from '../routes.ts';
import { commit, containerRemove, containerRename, containerWait, execCreate } from './containers.ts';
import { containerCreate } from './create.ts';
import { events } from './events.ts';
import { imageRemove } from './image-remove.ts';
import { build, imageInspect, imageTag, streamToBuilder } from './images.ts';
import { keptCreate, keptInspect, keptList, keptRemove, keptUpdate } from './kept.ts';
import { networkConnect, networkCreate, networkDisconnect, networkRemove } from './networks.ts';
import { buildPrune, containersPrune, imagesPrune, networksPrune, volumesPrune } from './prune.ts';
import { serviceLogs, taskLogs } from './service-logs.ts';
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
  swarmUnlockKey,
  swarmUpdate,
  taskInspect,
  taskList,
} from './services.ts';
import { volumeCreate, volumeRemove } from './volumes.ts';

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
