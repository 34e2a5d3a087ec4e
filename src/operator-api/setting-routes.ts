/** The operator's routes for the settings of the whole cluster. Effects: express. */
import type { Request, Router } from 'express';
import { ArpanetError } from '../model/index.ts';
import { bodyOf, readBytes } from './bodies.ts';
import { refuseStale, sendList, sendTagged } from './lists.ts';
import type { SettingReport } from './reports/report.ts';

/** The settings of the whole cluster that can be changed while it runs. */
export interface ClusterSettings {
  readonly list: () => readonly SettingReport[];
  /** Throws `invalid` with the nearest name, or what is allowed. */
  readonly set: (name: string, value: string) => Promise<SettingReport>;
  readonly unset: (name: string) => Promise<SettingReport>;
}

export function settingRoutes(router: Router, settings: () => ClusterSettings): void {
  router.get('/config', (request, response) => {
    sendList(
      request,
      response,
      () => settings().list(),
      ({ name }) => name,
    );
  });
  const settingOf = (request: Request) => {
    const name = String(request.params['name']);
    const found = settings()
      .list()
      .find((one) => one.name === name);
    if (found !== undefined || request.method !== 'GET') refuseStale(request, found ?? null);
    return { name, found };
  };
  router.get('/config/:name', (request, response) => {
    const { name, found } = settingOf(request);
    if (found === undefined) throw new ArpanetError('not-found', `no such setting: ${name}`);
    sendTagged(response, found);
  });
  router.put('/config/:name', readBytes(), async (request, response) => {
    const { value } = bodyOf(request, 'SettingRequest');
    if (value === undefined) throw new ArpanetError('invalid', 'the request\'s body has no text "value"');
    sendTagged(response, await settings().set(settingOf(request).name, value));
  });
  router.delete('/config/:name', async (request, response) => {
    sendTagged(response, await settings().unset(settingOf(request).name));
  });
}
