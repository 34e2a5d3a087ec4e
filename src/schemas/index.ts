/**
 * Job: checks data that somebody else sent or kept: the other end of a stream, an Engine, a file, the state store.
 * In: text or parsed JSON. Out: the same value as a type of src/model, or `invalid` with the place and the reason.
 * Invariants: a value is never changed or copied, except that keys `__proto__` are dropped; unknown members are allowed, because releases differ;
 * nothing here has effects.
 */
export { accept, accepts, faultOf } from './accept.ts';
export { agentFiles } from './agent-files.ts';
export { containerInspect, containerSummary, engineEvent, imageSummary, volumeSummary } from './docker-objects.ts';
export { MAX_EPOCH, MAX_EPOCH_STEP } from './fields.ts';
export { parseGoJson, parseJson } from './json.ts';
export { labelledRecord } from './labels.ts';
export { caRecord, identityText, leaderRecord, recordContents, replacedTokens, storedEpoch } from './records.ts';
export { imageLayers, joinAnswer, leaderHeard, recoveryFacts, sentKeys } from './http-answers.ts';
export { MOST_LEFT_OUT, MOST_SENTENCE, readAgentMessage, readCallResult, readLeaderMessage } from './wire.ts';
