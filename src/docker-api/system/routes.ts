/** The system, its events and plugins. Docker API: /info, /version, /system/df, /events, /auth, /plugins. */
import { type Route, unsupported } from '../route.ts';

const NO_PLUGINS = 'plugins are not managed through arpanet: install them on the hosts';

export const SYSTEM_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/info', do: 'read', by: 'info' },
  { method: 'GET', path: '/version', do: 'read', by: 'version' },
  { method: 'GET', path: '/system/df', do: 'read', by: 'diskUsage' },
  { method: 'GET', path: '/events', do: 'broadcast', by: 'events' },
  { method: 'POST', path: '/auth', do: 'host', at: 'builder', passes: { struct: 'types.AuthConfig', at: 'endpoint' } },

  { method: 'GET', path: '/plugins', do: 'refuse', status: 200, message: '[]' },
  unsupported('GET', '/plugins/privileges', NO_PLUGINS),
  unsupported('POST', '/plugins/pull', NO_PLUGINS),
  unsupported('POST', '/plugins/create', NO_PLUGINS),
  { method: 'GET', path: '/plugins/{name*}/json', do: 'refuse', status: 404, message: 'plugin "{name}" not found' },
  { method: 'DELETE', path: '/plugins/{name*}', do: 'refuse', status: 404, message: 'plugin "{name}" not found' },
  ...['enable', 'disable', 'push', 'upgrade', 'set'].map(
    (action): Route => ({
      method: 'POST',
      path: `/plugins/{name*}/${action}`,
      do: 'refuse',
      status: 404,
      message: 'plugin "{name}" not found',
    }),
  ),
];
