/** Work that takes its time, on a terminal: a line at the bottom with a bar, or a turning mark, and the time. Effects: the terminal, a timer. */
const WIDTH = 24;
const MARKS = ['|', '/', '-', '\\'] as const;
const EVERY_MS = 200;
/** Nothing is drawn for work that is done before. */
const PATIENCE_MS = 2_000;

interface Terminal {
  readonly isTTY?: boolean;
  readonly write?: (text: string) => unknown;
}

export interface Progress {
  readonly say: (line: string) => void;
  readonly end: () => void;
}

/** The line for what was said last and how long it takes: `[######------------------] 1 of 4 · 12 s`, where it counted; else a mark that turns. */
export function statusLine(said: string, elapsedMs: number): string {
  const seconds = `${Math.floor(elapsedMs / 1_000)} s`;
  const [, done = 0, all = 0] = [...(/(\d+) of (\d+)/.exec(said) ?? [])].map(Number);
  if (all === 0 || done > all) return `${MARKS[Math.floor(elapsedMs / EVERY_MS) % MARKS.length] ?? ''} ${seconds}`;
  const filled = Math.round((WIDTH * done) / all);
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${done} of ${all} · ${seconds}`;
}

/** Lines are said by `say`; the status line is kept below them, on a terminal only. */
export function startProgress(terminal: Terminal, say: (line: string) => void): Progress {
  if (terminal.isTTY !== true) return { say, end: () => undefined };
  const beganMs = performance.now();
  let last = '';
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) terminal.write?.('\r\u001b[K');
    isDrawn = false;
  };
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - beganMs;
    if (elapsedMs < PATIENCE_MS) return;
    terminal.write?.(`\r\u001b[K${statusLine(last, elapsedMs)}`);
    isDrawn = true;
  }, EVERY_MS);
  return {
    say(line) {
      clear();
      say(line);
      if (/\d+ of \d+/.test(line)) last = line;
    },
    end() {
      clearInterval(timer);
      clear();
    },
  };
}
