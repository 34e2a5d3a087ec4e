// Answers that a view asks for once, kept until another view is opened.
const answers = new Map();
let changed = () => undefined;

export function onAnswer(listener) {
  changed = listener;
}

export function forget() {
  answers.clear();
}

/** {} while it is asked for. `key`: what it is of. */
export function kept(key, how) {
  const known = answers.get(key);
  if (known !== undefined) return known;
  const asked = {};
  answers.set(key, asked);
  how().then(
    (value) => Object.assign(asked, { value }) && changed(),
    (error) => Object.assign(asked, { error: error.message }) && changed(),
  );
  return asked;
}
