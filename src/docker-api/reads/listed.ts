/** Where entries of Docker's lists are fenced: one that cannot be shown costs itself alone. Pure. */
import { ArpanetError } from '../../model/index.ts';
import type { Place } from '../../telemetry/left-out.ts';

/** The list of these. What an entry is refused for because of the request, such as an unknown filter, is thrown on. */
export const listOf = (kind: string): Place => ({ kind, of: `the list of ${kind}s`, passOn: (error) => error instanceof ArpanetError });
