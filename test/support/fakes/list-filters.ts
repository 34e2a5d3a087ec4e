/** Filters of lists, alone and together, that an Engine and the endpoint are asked alike. */
export const networkFilters: readonly Record<string, readonly string[]>[] = [
  {},
  { type: ['custom'] },
  { type: ['builtin'] },
  { driver: ['bridge'] },
  { driver: ['null'] },
  { name: ['ron'] },
  { scope: ['local'] },
  { scope: ['swarm'] },
  { label: ['net=1'] },
  // not dangling: these Engines filter by use before they look who uses what, and call every network unused
  { name: ['front'], driver: ['host'] },
];
export const volumeFilters: readonly Record<string, readonly string[]>[] = [
  {},
  { name: ['dat'] },
  { name: ['^data$'] },
  { driver: ['local'] },
  { driver: ['other'] },
  { label: ['vol'] },
  { label: ['vol=2'] },
  { dangling: ['true'] },
  { dangling: ['false'] },
  { dangling: ['1'] },
];
export const imageFilters: readonly Record<string, readonly string[]>[] = [
  {},
  { dangling: ['true'] },
  { dangling: ['false'] },
  { label: ['made=here'] },
  { label: ['made'] },
  { reference: ['busy*'] },
  { reference: ['*:latest'] },
  { reference: ['busybox:other', 'redis'] },
  { before: ['child'] },
  { since: ['busybox'] },
];
