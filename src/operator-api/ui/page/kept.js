// Answers that a view asks for once, kept until another view is opened.
import { get } from './api.js';

const answers = new Map();
let changed = () => undefined;

export function onAnswer(listener) {
  changed = listener;
}

export function forget() {
  answers.clear();
}

/** {} while it is asked for. */
export function kept(path, how = get) {
  const known = answers.get(path);
  if (known !== undefined) return known;
  const asked = {};
  answers.set(path, asked);
  how(path).then(
    (value) => Object.assign(asked, { value }) && changed(),
    (error) => Object.assign(asked, { error: error.message }) && changed(),
  );
  return asked;
}
