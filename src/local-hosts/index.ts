/**
 * Job: real Docker hosts on one machine, for `arpanet up` where no engine runs or several hosts are asked for, and for the tests.
 * In: a folder and a count. Out: namespaces with a dockerd in each, and the means to stop, cut and heal them.
 * Invariant: whatever becomes of this process, everything is taken down (a small shell waits for our end); a developer's own Docker is never touched.
 */
export { type LocalHosts, reapStale, startLocalHosts } from './hosts.ts';
export { provideImages } from './images.ts';
