/** Bodies about registries, as moby's Go structs have them: api/types/registry of v28 (API 1.51). */
import type { GoTypes } from './types.ts';

export const REGISTRY_TYPES: GoTypes = {
  /** Of `POST /auth`, and of pushes by clients that send no header with it. */
  'types.AuthConfig': {
    username: 'string',
    password: 'string',
    auth: 'string',
    email: 'string',
    serveraddress: 'string',
    identitytoken: 'string',
    registrytoken: 'string',
  },
};
