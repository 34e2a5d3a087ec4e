/** The operator's routes for policies. Effects: express. */
import type { Router } from 'express';
import { hint } from '../../config/nearest.ts';
import { ArpanetError, type CreateRequest, type NetworkCreateRequest, type PolicyRecord } from '../../model/index.ts';
import { bodyOf, readBytes, type VolumeCreate } from '../bodies.ts';
import { refuseStale, sendTagged } from '../lists.ts';
import { type GivenPolicies, type PolicyText, readPolicies } from './policy-file.ts';

/** What a policy says of things that somebody would make. */
export interface PolicyTest {
  readonly role: PolicyRecord['role'];
  /** As if these were set. */
  readonly given: GivenPolicies | undefined;
  readonly creates: readonly { readonly name: string; readonly request: CreateRequest }[];
  readonly volumes: readonly VolumeCreate[];
  readonly networks: readonly NetworkCreateRequest[];
}

/** Of something that would be refused: each rule that it breaks. */
export interface PolicyRefusal {
  readonly name: string;
  readonly problems: readonly string[];
}

/** What roles have to obey. */
export interface Policies {
  /** By role, of those that have to obey something. Throws `unavailable` where a record cannot be read. */
  readonly shown: () => Readonly<Record<string, PolicyText>>;
  /** Takes the place of all that was set before. */
  readonly set: (given: GivenPolicies) => Promise<void>;
  readonly test: (test: PolicyTest) => readonly PolicyRefusal[];
}

export function policyRoutes(router: Router, policies: () => Policies): void {
  router.get('/policy', (_request, response) => {
    sendTagged(response, policies().shown());
  });
  router.put('/policy', readBytes(), async (request, response) => {
    const { policy } = bodyOf(request, 'PolicyRequest');
    if (policy === undefined) throw new ArpanetError('invalid', 'the request\'s body has no text "policy"');
    const given = readPolicies(policy);
    refuseStale(request, policies().shown());
    await policies().set(given);
    sendTagged(response, policies().shown());
  });
  router.post('/policy/test', readBytes(), (request, response) => {
    const { role = 'deployer', policy, creates = [], volumes = [], networks = [] } = bodyOf(request, 'PolicyTestRequest');
    if (role !== 'deployer' && role !== 'operator')
      throw new ArpanetError('invalid', `no role "${role}" has a policy: ${hint(role, ['deployer', 'operator'])}`);
    const given = creates.map(({ name = '', request: create = {} }) => ({ name, request: create }));
    const asked = policy === undefined ? undefined : readPolicies(policy);
    response.json(policies().test({ role, given: asked, creates: given, volumes, networks }));
  });
}
