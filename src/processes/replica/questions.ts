/** A follower's questions to the leader whether its copy has all that clients were answered: one for all that ask in one turn of the event loop. Effects: timers. */
import type { ReplicaIdentity, ReplicaQuestion, ReplicaView } from '../../contracts/index.ts';
import type { Client } from '../../security/index.ts';

/** Longer than the leader waits for refreshes that are under way (2 s). */
const PATIENCE_MS = 3_000;

export interface Questions {
  readonly now: ReplicaView['now'];
  /** The leader's answer; undefined: it cannot say. */
  readonly answered: (ask: number, who: readonly ReplicaIdentity[] | undefined) => void;
  /** No answer comes any more. */
  readonly close: () => void;
}

type Answer = readonly ReplicaIdentity[] | undefined;

interface Question {
  readonly who: Client[];
  /** Where in `who` a client is, by its JSON. */
  readonly places: Map<string, number>;
  readonly answer: Promise<Answer>;
}

/** `late`: the leader has not answered in time, and is not to be asked again. */
export function createQuestions(send: (question: ReplicaQuestion) => void, late: () => void): Questions {
  const waiting = new Map<number, (answer: Answer) => void>();
  let next: Question | undefined;
  let last = 0;
  let isClosed = false;

  function begin(): Question {
    const who: Client[] = [];
    const ask = ++last;
    const answer = new Promise<Answer>((resolve) => {
      const timer = setTimeout(() => {
        end(undefined);
        late();
      }, PATIENCE_MS);
      const end = (said: Answer): void => {
        clearTimeout(timer);
        waiting.delete(ask);
        resolve(said);
      };
      waiting.set(ask, end);
    });
    // what is asked later is not answered by this one
    setImmediate(() => {
      next = undefined;
      if (!isClosed) send({ type: 'ask', ask, who });
    });
    return { who, places: new Map(), answer };
  }

  function placeOf({ who, places }: Question, client: Client): number {
    const key = JSON.stringify(client);
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, who.length);
    return who.push(client) - 1;
  }

  return {
    async now(client) {
      if (isClosed) return undefined;
      const question = (next ??= begin());
      const place = client && placeOf(question, client);
      const said = await question.answer;
      return place === undefined ? said && {} : said?.[place];
    },
    answered: (ask, who) => waiting.get(ask)?.(who),
    close() {
      isClosed = true;
      for (const end of waiting.values()) end(undefined);
    },
  };
}
