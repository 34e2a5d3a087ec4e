// Who looks at this page, as the leader knows them, and what their role lets them do.
import { identity } from './api.ts';

const ROLES = ['viewer', 'deployer', 'operator', 'admin'];
/** What is asked of a role, as at the server (security/roles). */
const LEAST = { read: 'viewer', change: 'deployer', all: 'operator', cluster: 'admin' };

/** `isOut`: the cluster does not know them, or does not any more. */
export const me = { role: undefined, name: undefined, deployments: undefined, isSession: false, isOut: false };

const AGAIN_MS = 2_000;
let timer;

/** `told` is called when the answer is another one than before. What cannot be asked now is asked again soon: who is out has no next connection. */
export async function learn(told) {
  clearTimeout(timer);
  const before = JSON.stringify(me);
  try {
    const { role, name, deployments, isSession } = await identity();
    Object.assign(me, { role, name, deployments, isSession, isOut: false });
  } catch (error) {
    if (error.status === 401) Object.assign(me, { role: undefined, isOut: true });
    else timer = setTimeout(learn, AGAIN_MS, told);
  }
  if (JSON.stringify(me) !== before) told();
}

/** `all` and `cluster` are of all deployments at once. Nothing is offered before it is known who asks. */
export function may(access) {
  if (me.role === undefined || ROLES.indexOf(me.role) < ROLES.indexOf(LEAST[access])) return false;
  return me.deployments === undefined || access === 'read' || access === 'change';
}
