/** A container's life: create, start, stop, kill, pause, restart, rename, wait, remove. */
import type { Case } from '../session.ts';

export const cases: readonly Case[] = [
  {
    name: 'a container from create to remove',
    isAlone: true,
    async run(s) {
      await s.ask('create', 'POST /containers/create?name=life', { Image: 'busybox', Cmd: ['sleep', '600'] });
      await s.ask('inspect created', 'GET /containers/life/json');
      await s.ask('list created', 'GET /containers/json?all=1');
      await s.ask('list running: none', 'GET /containers/json');
      await s.ask('stop what never ran', 'POST /containers/life/stop?t=0');
      await s.ask('kill what does not run', 'POST /containers/life/kill');
      await s.ask('pause what does not run', 'POST /containers/life/pause');
      await s.ask('unpause what does not run', 'POST /containers/life/unpause');
      await s.ask('start', 'POST /containers/life/start');
      await s.ask('start again', 'POST /containers/life/start');
      await s.ask('inspect running', 'GET /containers/life/json');
      await s.ask('list', 'GET /containers/json');
      await s.ask('list with size', 'GET /containers/json?size=1');
      await s.ask('pause', 'POST /containers/life/pause');
      await s.ask('pause again', 'POST /containers/life/pause');
      await s.ask('list paused', 'GET /containers/json');
      await s.ask('start while paused', 'POST /containers/life/start');
      await s.ask('rm while paused', 'DELETE /containers/life');
      await s.ask('unpause', 'POST /containers/life/unpause');
      await s.ask('unpause again', 'POST /containers/life/unpause');
      await s.ask('restart', 'POST /containers/life/restart?t=0');
      await s.ask('rename', 'POST /containers/life/rename?name=living');
      await s.ask('old name', 'GET /containers/life/json');
      await s.ask('rename to itself', 'POST /containers/living/rename?name=living');
      await s.ask('rename to nothing', 'POST /containers/living/rename?name=');
      await s.ask('rename to a bad name', 'POST /containers/living/rename?name=a%20b');
      await s.create('taken');
      await s.ask('rename to a taken name', 'POST /containers/living/rename?name=taken');
      await s.quiet('DELETE /containers/taken');
      await s.ask('rename unknown', 'POST /containers/nobody/rename?name=somebody');
      await s.ask('rm while running', 'DELETE /containers/living');
      await s.ask('stop', 'POST /containers/living/stop?t=0');
      await s.ask('stop again', 'POST /containers/living/stop?t=0');
      await s.ask('inspect stopped', 'GET /containers/living/json');
      await s.ask('list stopped', 'GET /containers/json?all=1');
      await s.ask('rm', 'DELETE /containers/living');
      await s.ask('rm again', 'DELETE /containers/living');
    },
  },
];
