/**
 * What one room asks of another that is built after it: made before both, so that neither holds the other. Effects: none of its own.
 * `ask` resolves when all who answer have answered; before anybody does, at once.
 */
export interface Requests {
  readonly ask: () => Promise<void>;
  readonly answer: (handler: () => Promise<void>) => void;
}

export function createRequests(): Requests {
  const handlers: (() => Promise<void>)[] = [];
  return {
    async ask() {
      await Promise.all(handlers.map((handler) => handler()));
    },
    answer(handler) {
      handlers.push(handler);
    },
  };
}
