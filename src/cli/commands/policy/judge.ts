/** `arpanet policy test`. Effects: files, HTTP requests that change nothing, the terminal, the exit code. */
import { parseSource } from '../../../compose/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import type { CreateRequest } from '../../../model/index.ts';
import type { Given } from '../../../client/index.ts';
import type { ApiClient } from '../../api-client.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { refusalsText } from '../../output/policy.ts';
import { prepared } from '../deploy/deploy.ts';
import { textOf } from './files.ts';

export interface TestFlags extends ClientFlags {
  readonly role?: string;
  readonly policy?: string;
  readonly project?: string;
}

/** Exit code 1 if anything would be refused. Throws `invalid` for a file that is neither of both. */
export async function testPolicy(file: string, flags: TestFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const { value } = parseSource(file, textOf(file));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ArpanetError('invalid', `${file} is neither a compose file nor the body of a create`);
  const isCreate = 'Image' in value || 'HostConfig' in value || 'Config' in value;
  // the leader reads it, as it reads a create
  const asked: PolicyTest = isCreate
    ? { creates: [{ name: 'the create', request: value as CreateRequest }] }
    : await ofCompose(api, file, flags, terminal);
  const policy = flags.policy === undefined ? {} : { policy: textOf(flags.policy) };
  const body = { ...asked, ...policy, role: flags.role };
  const refusals = await api.v1.call('postPolicyTest', { body });
  show(refusals, refusalsText);
  if (refusals.length > 0) process.exitCode = 1;
}

type PolicyTest = Given<'postPolicyTest'>['body'];

/** All that a deploy would make if there were nothing yet. */
async function ofCompose(api: ApiClient, file: string, flags: TestFlags, terminal: Terminal): Promise<PolicyTest> {
  const nothingYet: ApiClient = {
    ...api,
    json: async (path, call) => (path.startsWith('/containers/json') ? (JSON.parse('[]') as never) : await api.json(path, call)),
  };
  const { job } = await prepared(nothingYet, { ...flags, file: [file], profile: ['*'] }, [], terminal);
  const { waves, resources } = job;
  const made = (kind: 'networks' | 'volumes') =>
    [...resources[kind].values()].flatMap(({ create }) => (create === undefined ? [] : [create]));
  return {
    creates: waves.flatMap(({ steps }) =>
      steps.flatMap(({ container, request }) => (request === undefined ? [] : [{ name: container, request }])),
    ),
    networks: made('networks'),
    volumes: made('volumes'),
  };
}
