/** What a scheduler process is built of. The product uses these; the fault lab's entry point hands in rooms with faults. */
import { createDhcp } from '../dhcp/index.ts';
import { type FailpointHook, noFailpoint } from '../model/index.ts';
import { startRegistrar } from '../registrar/index.ts';
import { startScheduler } from '../scheduler/index.ts';
import { campaign } from '../store/index.ts';

export interface Rooms {
  readonly campaign: typeof campaign;
  readonly createDhcp: typeof createDhcp;
  readonly startScheduler: typeof startScheduler;
  readonly startRegistrar: typeof startRegistrar;
  readonly failpoint: FailpointHook;
}

export const ROOMS: Rooms = { campaign, createDhcp, startScheduler, startRegistrar, failpoint: noFailpoint };
