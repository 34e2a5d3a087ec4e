/** JSON lines on standard error; secrets never in them. Its level, and that of all its children, can be changed while it runs. Effects: standard error. */
import { type LevelWithSilent, type Logger, pino } from 'pino';
import { pacedLines } from '../telemetry/paced-lines.ts';

/** pino's number of this level (docs/api.md, `logger.levels`). */
const WARN = 40;

export interface Logging {
  readonly log: Logger;
  /** undefined: as it was made. */
  readonly setLevel: (level: LevelWithSilent | undefined) => void;
}

/** A logger that writes JSON lines to standard error and leaves out secrets, and most of the warnings and errors that are said again and again. */
export function openLog(level: LevelWithSilent): Logging {
  const children = new Set<WeakRef<Logger>>();
  const paced = pacedLines();
  const log = pino(
    {
      level,
      redact: ['token', '*.token', 'headers.authorization', '*.headers.authorization', '*["x-registry-auth"]'],
      hooks: {
        logMethod(args, method, at) {
          const leftOut = at < WARN ? 0 : paced.take(messageOf(args), performance.now());
          if (leftOut === undefined) return;
          method.apply(this, leftOut === 0 ? args : withLeftOut(args, leftOut));
        },
      },
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

/** The text of a call to the logger: `log.warn(fields, text)` or `log.warn(text)`. */
function messageOf([first, second]: readonly unknown[]): string {
  return typeof first === 'string' ? first : String(second);
}

/** The same call with a field more. */
function withLeftOut<Args extends readonly unknown[]>(args: Args, leftOut: number): Args {
  const [first, ...others] = args;
  const more = { leftOut };
  return (typeof first === 'string' ? [more, ...args] : [{ ...(first as object), ...more }, ...others]) as unknown as Args;
}
