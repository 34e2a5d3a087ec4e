/** The labels that arpanet reads from users, and those that it writes on an Engine's objects for itself. */
export const labels = {
  /** Written by users. */
  deployment: 'arpanet.deployment',
  service: 'arpanet.service',
  constraints: 'arpanet.constraints',
  affinities: 'arpanet.affinities',
  /** The most instances of its service that a host may have. */
  maxPerHost: 'arpanet.max-per-host',
  /** Written by the services API: the secrets and configs that are files in it, as JSON. */
  files: 'arpanet.files',
  /** `off`: an instance of a lost host is waited for, and not made elsewhere. */
  reschedule: 'arpanet.reschedule',
  /** Written by us on containers: `2.pricing.abc`, and what the store's record holds, as JSON. */
  instance: 'arpanet.instance',
  record: 'arpanet.record',
  /** The create request as the client sent it, packed; empty when it was too large. */
  request: 'arpanet.request',
  /** Written by us on an Engine's bridge networks: the id of the cluster network. */
  network: 'arpanet.network',
} as const;
