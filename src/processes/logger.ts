/** JSON lines on standard error; secrets never in them. Its level, and that of all its children, can be changed while it runs. Effects: standard error. */
import { fstatSync } from 'node:fs';
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';
import { pacedLines } from '../telemetry/paced-lines.ts';

/** pino's number of this level (docs/api.md, `logger.levels`). */
const WARN = 40;
/** pino's levels from here on, and their priorities: critical, error, warning, informational; what is below is for debugging. */
const PRIORITIES = [
  [60, 2],
  [50, 3],
  [WARN, 4],
  [30, 6],
] as const;

export interface Logging {
  readonly log: Logger;
  /** undefined: its own. */
  readonly setLevel: (level: LevelWithSilent | undefined) => void;
  /** Its own level, instead of that with which it was made. */
  readonly setOwnLevel: (level: LevelWithSilent) => void;
}

/** A logger that writes JSON lines to standard error and leaves out secrets, and most of the warnings and errors that are said again and again. */
export function openLog(level: LevelWithSilent): Logging {
  const children = new Set<WeakRef<Logger>>();
  const paced = pacedLines();
  let [own, set]: [LevelWithSilent, LevelWithSilent | undefined] = [level, undefined];
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
    isJournal(process.env['JOURNAL_STREAM'], 2) ? journalDestination() : pino.destination(2),
  );
  const apply = () => {
    log.level = set ?? own;
    for (const reference of children) {
      const child = reference.deref();
      if (child === undefined) children.delete(reference);
      else child.level = log.level;
    }
  };
  return {
    log,
    setLevel(wanted) {
      set = wanted;
      apply();
    },
    setOwnLevel(wanted) {
      own = wanted;
      apply();
    },
  };
}

/** True if systemd reads this descriptor: `$JOURNAL_STREAM` is its device and inode (systemd.exec(5)). */
function isJournal(stream: string | undefined, descriptor: number): boolean {
  if (!stream) return false;
  const { dev, ino } = fstatSync(descriptor);
  return stream === `${dev}:${ino}`;
}

/** Lines begin with their priority, as sd-daemon(3) reads it: the journal has it as the field PRIORITY, and `journalctl -p warning` finds them. */
function journalDestination(): DestinationStream {
  const lines = pino.destination(2);
  const stream = {
    // pino writes the level of the line here before it writes the line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      lines.write(`<${priorityOf(stream.lastLevel)}>${line}`);
    },
  };
  return stream;
}

/** The priority of syslog(3) for a level of pino. */
function priorityOf(level: number): number {
  return PRIORITIES.find(([from]) => level >= from)?.[1] ?? 7;
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
