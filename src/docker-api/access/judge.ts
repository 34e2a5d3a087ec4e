/** The policy of a role, for what is in queries and in bodies that go to an Engine: these are judged whole, and what the Engine gets is what was judged, written again. */
import { goStruct } from '../../docker-json/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { DEPLOYER_POLICY, type Identity, refuseBuild, refuseExec, refuseHostConfig } from '../../security/index.ts';
import { parseJson, readBody, replaceBody } from '../json/body.ts';
import type { Call } from '../request-context.ts';

/** Nobody else has a policy. */
export const hasPolicy = ({ role }: Identity): boolean => role === 'deployer';

/** Throws `forbidden` with rule and value. */
export function obey(problem: string | undefined): void {
  if (problem !== undefined) throw new ArpanetError('forbidden', `refused by the policy for deployers: ${problem}`);
}

/** Rejects with `forbidden`, `too-large`, and `invalid` for a body that cannot be read. */
export async function judge(call: Call): Promise<void> {
  const { path } = call.route;
  if (path === '/build') return obey(refuseBuild(call.query));
  if (path === '/containers/{id}/exec') obey(refuseExec(await judged(call, 'types.ExecConfig')));
  if (path === '/containers/{id}/update') obey(refuseHostConfig(DEPLOYER_POLICY, await judged(call, 'container.UpdateConfig')));
}

/** Read as Go reads it: keys in any case, the last of those that are equal. */
async function judged(call: Call, struct: string): Promise<Readonly<Record<string, unknown>>> {
  const read = parseJson<Readonly<Record<string, unknown>>>(
    await readBody(call.req, call.bodyLimitBytes),
    call.req.headers['content-type'],
    goStruct(struct),
  );
  replaceBody(call.req, Buffer.from(JSON.stringify(read)));
  return read;
}
