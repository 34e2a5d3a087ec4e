/** How long operations report what they do. */

/** Called with one line for a person at a time. */
export type Progress = (line: string) => void;
