/** What is left out of a terminal's stream at an interrupt. Effects: timers. */

/** So much of what was on the way is shown, up to a moment without any, or this long. */
const KEPT_BYTES = 4 << 10;
const QUIET_MS = 50;
const LONGEST_MS = 1_000;
const NEWLINE = 10;

/** Takes what is on the way. */
export interface Skip {
  readonly take: (chunk: Buffer) => void;
  readonly end: () => void;
}

/**
 * Does what a terminal does at an interrupt: what it has not shown yet goes (POSIX termios, ISIG without NOFLSH). That is some megabytes where a program
 * floods, in sockets between here and the Engine; its last lines are what the program or the shell says after the interrupt.
 * `done` gets the last of it, 4 KiB at most, after a moment without any or after a second.
 */
export function createSkip(done: (last: Buffer) => void): Skip {
  let last: Buffer = Buffer.alloc(0);
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(quiet);
    clearTimeout(longest);
    done(last);
  };
  let quiet = setTimeout(end, QUIET_MS);
  const longest = setTimeout(end, LONGEST_MS);
  return {
    take(chunk) {
      const all = Buffer.concat([last, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
      // no part of a line, where there is an end of one
      last = chunk.length + last.length <= KEPT_BYTES ? all : all.subarray(all.indexOf(NEWLINE) + 1);
      clearTimeout(quiet);
      quiet = setTimeout(end, QUIET_MS);
    },
    end,
  };
}
