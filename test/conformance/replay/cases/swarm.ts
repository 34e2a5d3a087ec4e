/** Swarm's routes. A bare engine that is no manager refuses them; a cluster has nodes, services, secrets and configs. */
import type { Case } from '../session.ts';

export const cases: readonly Case[] = [
  {
    name: 'swarm: reads',
    async run(s) {
      for (const path of ['/swarm', '/nodes', '/services', '/tasks', '/secrets', '/configs', '/swarm/unlockkey'])
        await s.ask(path, `GET ${path}`);
      for (const kind of ['nodes', 'services', 'tasks', 'secrets', 'configs']) await s.ask(`unknown of ${kind}`, `GET /${kind}/nobody`);
      for (const kind of ['services', 'tasks']) await s.ask(`logs of ${kind}`, `GET /${kind}/nobody/logs?stdout=1`);
    },
  },
  {
    name: 'swarm: changes',
    async run(s) {
      const spec = { Name: 'x' };
      for (const path of ['/swarm/leave', '/swarm/update?version=1', '/swarm/unlock', '/swarm/init', '/swarm/join']) {
        await s.ask(path, `POST ${path}`, path.endsWith('leave') ? undefined : {});
      }
      for (const kind of ['secrets', 'configs']) {
        await s.ask(`create ${kind}`, `POST /${kind}/create`, { ...spec, Data: 'eA==' });
        await s.ask(`update ${kind}`, `POST /${kind}/nobody/update?version=1`, spec);
      }
      for (const kind of ['services', 'nodes']) await s.ask(`update ${kind}`, `POST /${kind}/nobody/update?version=1`, spec);
      for (const kind of ['services', 'nodes', 'secrets', 'configs']) await s.ask(`remove ${kind}`, `DELETE /${kind}/nobody`);
      for (const kind of ['secrets', 'configs']) await s.ask(`remove what was made of ${kind}`, `DELETE /${kind}/x`);
      await s.ask('create a service of nothing', 'POST /services/create', {});
    },
  },
];
