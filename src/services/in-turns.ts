/** Work on a list, a few items at a time. */
import { ArpanetError } from '../model/index.ts';

/** Takes the items in order, `atOnce` at a time, and tries all of them. Resolves with the errors of those that failed; never rejects. */
export async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<readonly Error[]> {
  const queue = [...items];
  const failures: Error[] = [];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await work(item);
      } catch (error) {
        failures.push(error instanceof Error ? error : new ArpanetError('unavailable', String(error)));
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}
