/** One-use tickets: a socket that a page opens is let in for one thing and one user, for a short time. State: those that are out. */
import { createHash, randomBytes } from 'node:crypto';

/** What opens a socket, to whom it was given. */
export interface Tickets<Thing> {
  /** Of `who`. No ticket is guessed: it has 256 random bits. */
  readonly issue: (who: string, thing: Thing) => string;
  /** Once. Undefined: it was never given, was given to somebody else, has been used, or is too old. */
  readonly take: (who: string, ticket: string) => Thing | undefined;
}

/** So many are out at once; the oldest end first. */
const MOST = 1_000;

/** Tickets are kept as hashes: nothing that a process shows of its memory opens anything. */
export function createTickets<Thing>(now: () => number, validMs: number): Tickets<Thing> {
  const out = new Map<string, { readonly who: string; readonly thing: Thing; readonly untilMs: number }>();
  const keyOf = (ticket: string): string => createHash('sha256').update(ticket).digest('base64');
  return {
    issue(who, thing) {
      for (const [key, { untilMs }] of out) if (untilMs < now() || out.size >= MOST) out.delete(key);
      const ticket = randomBytes(32).toString('base64url');
      out.set(keyOf(ticket), { who, thing, untilMs: now() + validMs });
      return ticket;
    },
    take(who, ticket) {
      const key = keyOf(ticket);
      const found = out.get(key);
      out.delete(key);
      return found !== undefined && found.who === who && found.untilMs >= now() ? found.thing : undefined;
    },
  };
}
