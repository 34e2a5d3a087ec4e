/**
 * Job: the words that all rooms share. Types, store keys and the one error class; imports nothing, does nothing.
 */
export * from './requests.ts';
export * from './dns-label.ts';
export * from './docker.ts';
export * from './errors.ts';
export * from './failpoints.ts';
export * from './facts.ts';
export * from './secrets.ts';
export * from './http.ts';
export * from './ingress.ts';
export * from './keys.ts';
export * from './label-claims.ts';
export * from './labels.ts';
export * from './name-table.ts';
export * from './networks.ts';
export * from './people.ts';
export * from './placement.ts';
export * from './records.ts';
export * from './services.ts';
export * from './skew.ts';
export * from './view.ts';
export * from './wire.ts';
