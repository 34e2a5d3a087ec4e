/**
 * What a line of a route table says: what is asked, which way it goes, and by whom or what it is answered.
 *
 *  read       from the cluster view (reads/)
 *  host       one request to the Engine of a place, byte for byte, over a kept-alive connection
 *  stream     the same for long answers: the client's socket and the Engine's are joined once the head has passed
 *  hijack     the socket itself changes hands, both ways
 *  mutate     the place's Engine does it, then the view shows it, then the client is answered
 *  cluster    the cluster does it
 *  broadcast  several Engines do it, their answers become one
 *  builder    the builder's Engine does it, progress streams through, then the view shows it
 *  refuse     answered here, as an Engine that is no swarm manager and has no plugins would
 */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

export type Place = 'container' | 'exec' | 'image' | 'push' | 'images' | 'builder' | 'buildkit';

export type ReadName =
  | 'containerList'
  | 'containerInspect'
  | 'imageList'
  | 'networkList'
  | 'networkInspect'
  | 'volumeList'
  | 'volumeInspect'
  | 'info'
  | 'version'
  | 'diskUsage';

export type HandlerName =
  | 'containerCreate'
  | 'containerMutate'
  | 'containerRemove'
  | 'containerRename'
  | 'containerWait'
  | 'containersPrune'
  | 'commit'
  | 'execCreate'
  | 'networkCreate'
  | 'networkRemove'
  | 'networkConnect'
  | 'networkDisconnect'
  | 'networksPrune'
  | 'volumeCreate'
  | 'volumeRemove'
  | 'volumesPrune'
  | 'build'
  | 'imageInspect'
  | 'imagePull'
  | 'imageTag'
  | 'imageRemove'
  | 'imagesPrune'
  | 'buildPrune'
  | 'streamToBuilder'
  | 'events'
  | 'serviceList'
  | 'serviceInspect'
  | 'serviceCreate'
  | 'serviceUpdate'
  | 'serviceRemove'
  | 'serviceLogs'
  | 'taskList'
  | 'taskInspect'
  | 'taskLogs'
  | 'nodeList'
  | 'nodeInspect'
  | 'nodeUpdate'
  | 'swarmInspect'
  | 'swarmJoin'
  | 'swarmUnlock'
  | 'swarmUnlockKey'
  | 'nodeRemove'
  | 'swarmInit'
  | 'swarmLeave'
  | 'swarmUpdate'
  | 'keptList'
  | 'keptInspect'
  | 'keptCreate'
  | 'keptUpdate'
  | 'keptRemove';

/** A body of JSON that goes to an Engine as it is. */
export interface PassedBody {
  /** Of docker-json. */
  readonly struct: string;
  /** Where it is refused if something is wrong with it: by the Engine in its own words, but for what that would fall over, or here. */
  readonly at: 'engine' | 'endpoint';
}

export type Route = {
  readonly method: Method;
  readonly path: string;
  /** Engines of older versions have no such page. */
  readonly since?: string;
  /** What it takes may be long, and is for an Engine alone to read. */
  readonly isUpload?: true;
  readonly passes?: PassedBody;
} & (
  | { readonly do: 'read'; readonly by: ReadName }
  | { readonly do: 'host' | 'stream' | 'hijack'; readonly at: Place }
  | { readonly do: 'mutate' | 'cluster' | 'broadcast' | 'builder'; readonly by: HandlerName }
  | { readonly do: 'refuse'; readonly status: number; readonly message: string }
);

/** A page that arpanet does not have: `501 Not Implemented`. */
export const unsupported = (method: Method, path: string, message: string): Route => ({ method, path, do: 'refuse', status: 501, message });

const LONG: ReadonlySet<HandlerName> = new Set<HandlerName>(['events', 'containerWait', 'serviceLogs', 'taskLogs']);

/** It may last for hours. */
export const isLong = (route: Route): boolean =>
  route.do === 'stream' || route.do === 'hijack' || ('by' in route && LONG.has(route.by as HandlerName));
