/** The policy of a role, for what is in queries and in bodies that go to an Engine: these are judged whole, and what the Engine gets is what was judged, written again. */
import type { Cluster } from '../../contracts/index.ts';
import { goStruct } from '../../docker-json/index.ts';
import { ArpanetError } from '../../model/index.ts';
import {
  mustSayOnce,
  type Policy,
  refuseBuild,
  refuseBuildKit,
  refuseExec,
  refuseImage,
  refuseUpdate,
  type Role,
} from '../../security/index.ts';
import { parseJson, readBody, replaceBody } from '../json/body.ts';
import type { Call } from '../request-context.ts';

/** Throws `forbidden` with rule and value. */
export function obey(role: Role, problem: string | undefined): void {
  if (problem !== undefined) throw new ArpanetError('forbidden', `refused by the policy for ${role}s: ${problem}`);
}

/** Whether an image is in the cluster, so that nobody pulls it. */
export const isHereIn =
  ({ images }: Pick<Cluster, 'images'>) =>
  (image: string): boolean =>
    images.find(image) !== undefined;

/** Rejects with `forbidden`, `too-large`, and `invalid` for a body that cannot be read. */
export async function judge(call: Call, policy: Policy, role: Role): Promise<void> {
  const { path } = call.route;
  if (path === '/containers/{id}/exec') obey(role, refuseExec(policy, await judged(call, 'types.ExecConfig')));
  else if (path === '/containers/{id}/update') obey(role, refuseUpdate(policy, await judged(call, 'container.UpdateConfig')));
  else obey(role, problemOf(call, policy));
}

/** Of what is in the path and the query. */
function problemOf({ route: { method, path }, query, params }: Call, policy: Policy): string | undefined {
  const pulled = (name: string, image: string | null | undefined): string | undefined => {
    const problem = refuseImage(policy, image, () => false);
    return problem === undefined ? undefined : `${name} ${problem}`;
  };
  switch (`${method} ${path}`) {
    case 'POST /build':
      return refuseBuild(policy, query);
    case 'POST /grpc':
      return refuseBuildKit(policy);
    case 'POST /images/create':
      return pulled('fromImage', query.get('fromImage')) ?? importProblem(policy, query.get('fromSrc'));
    case 'POST /images/{name*}/push':
    case 'GET /distribution/{name*}/json':
      return pulled('the image', params['name']);
    case 'POST /plugins/pull':
    case 'POST /plugins/{name*}/upgrade':
      return pulled('remote', query.get('remote'));
    default:
      return undefined;
  }
}

/** From an address an Engine fetches whatever it finds. */
function importProblem({ registries }: Policy, source: string | null): string | undefined {
  if (registries.includes('any') || source === null || source === '' || source === '-') return undefined;
  return `fromSrc is ${JSON.stringify(source)}, and images may be of ${registries.join(', ')}`;
}

/** Read as Go reads it: keys in any case, the last of those that are equal. */
async function judged(call: Call, struct: string): Promise<Readonly<Record<string, unknown>>> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  const read = parseJson<Readonly<Record<string, unknown>>>(
    body,
    call.req.headers['content-type'],
    goStruct(struct),
    mustSayOnce(call.req),
  );
  replaceBody(call.req, Buffer.from(JSON.stringify(read)));
  return read;
}
