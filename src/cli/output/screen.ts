/** What redraws a terminal in place (ECMA-48). Pure. */

const [HOME, CLEAR_LINE, CLEAR] = ['\x1b[H', '\x1b[K', '\x1b[J'];

/** The alternate screen without a cursor, and back. */
export const [ENTER, LEAVE] = ['\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l'];
/** An empty screen. */
export const BLANK = `${HOME}${CLEAR}`;

/** Lines from the top left. Each clears its own end, and the screen is cleared below the last one only: nothing flickers. */
export const frame = (lines: readonly string[]): string => `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\n')}${CLEAR}`;
