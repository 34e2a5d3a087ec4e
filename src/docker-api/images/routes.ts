/** Images, builds and what BuildKit asks for. Docker API: /images, /distribution, /build, /session, /grpc. */
import type { Route } from '../route.ts';

export const IMAGE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/images/json', do: 'read', by: 'imageList' },
  { method: 'GET', path: '/images/search', do: 'host', at: 'builder' },
  { method: 'GET', path: '/images/get', do: 'stream', at: 'images' },
  { method: 'POST', path: '/images/create', do: 'builder', by: 'imagePull', isUpload: true },
  { method: 'POST', path: '/images/load', do: 'builder', by: 'streamToBuilder', isUpload: true },
  { method: 'POST', path: '/images/prune', do: 'broadcast', by: 'imagesPrune' },
  { method: 'GET', path: '/images/{name*}/json', do: 'cluster', by: 'imageInspect' },
  { method: 'GET', path: '/images/{name*}/history', do: 'host', at: 'image' },
  { method: 'GET', path: '/images/{name*}/get', do: 'stream', at: 'images' },
  { method: 'POST', path: '/images/{name*}/push', do: 'host', at: 'push' },
  { method: 'POST', path: '/images/{name*}/tag', do: 'broadcast', by: 'imageTag' },
  { method: 'DELETE', path: '/images/{name*}', do: 'broadcast', by: 'imageRemove' },
  { method: 'GET', path: '/distribution/{name*}/json', do: 'host', at: 'builder' },
  { method: 'POST', path: '/build', do: 'builder', by: 'build', isUpload: true },
  { method: 'POST', path: '/build/cancel', do: 'host', at: 'builder' },
  { method: 'POST', path: '/build/prune', do: 'broadcast', by: 'buildPrune' },
  { method: 'POST', path: '/session', do: 'hijack', at: 'builder' },
  { method: 'POST', path: '/grpc', do: 'hijack', at: 'buildkit' },
];
