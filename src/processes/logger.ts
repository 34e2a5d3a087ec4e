/** JSON lines on standard error; secrets never in them. Its level, and that of all its children, can be changed while it runs. Effects: standard error. */
import { type LevelWithSilent, type Logger, pino } from 'pino';

export interface Logging {
  readonly log: Logger;
  /** undefined: as it was made. */
  readonly setLevel: (level: LevelWithSilent | undefined) => void;
}

/** A logger that writes JSON lines to standard error and leaves out secrets. */
export function openLog(level: LevelWithSilent): Logging {
  const children = new Set<WeakRef<Logger>>();
  const log = pino(
    {
      level,
      redact: ['token', '*.token', 'headers.authorization', '*.headers.authorization', '*["x-registry-auth"]'],
      // A child keeps the level that its parent had when it was made.
      onChild(child) {
        children.add(new WeakRef(child));
      },
    },
    pino.destination(2),
  );
  return {
    log,
    setLevel(wanted = level) {
      log.level = wanted;
      for (const reference of children) {
        const child = reference.deref();
        if (child === undefined) children.delete(reference);
        else child.level = wanted;
      }
    },
  };
}
