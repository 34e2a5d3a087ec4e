// Requests to /arpanet/v1 of the scheduler that this page came from.

/** An error with the status of the answer. */
async function refusal(answer) {
  const text = await answer.text();
  let message = text || `status ${answer.status}`;
  try {
    message = JSON.parse(text).message ?? text;
  } catch {
    // not JSON: the text itself
  }
  return Object.assign(new Error(message), { status: answer.status });
}

export async function get(path) {
  const answer = await fetch(`/arpanet/v1${path}`);
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** Of Docker's own API. */
export async function getDocker(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** All lines of JSON of a body that ends. */
export async function getLines(path) {
  const answer = await fetch(`/arpanet/v1${path}`);
  if (!answer.ok) throw await refusal(answer);
  const lines = [];
  for await (const line of linesOf(answer)) lines.push(JSON.parse(line));
  return lines;
}

/** Lines of a body as they come. */
export async function* linesOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value = '' } = await reader.read();
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    yield* parts.filter((line) => line !== '');
    if (done) break;
  }
  if (rest !== '') yield rest;
}

async function post(path, body, method = 'POST') {
  const answer = await fetch(`/arpanet/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

export const send = async (path, body) => (await post(path, body)).json();

/** What a PUT of a deployment would do. */
export const askPlan = async (path, body) => (await post(`${path}?dry-run=true`, body, 'PUT')).json();

/** Long work: progress is told line by line. */
export async function work(path, body, progress, method) {
  const answer = await post(path, body, method);
  let result;
  let hasEnded = false;
  for await (const line of linesOf(answer)) {
    const said = JSON.parse(line);
    if (said.progress !== undefined) progress(said.progress);
    else if (said.error !== undefined) throw new Error(said.error);
    else [result, hasEnded] = ['result' in said ? said.result : said, true];
  }
  if (!hasEnded) throw new Error('the connection ended before the work was done; the cluster continues it');
  return result;
}

/** Lines of an answer as they come, until the signal aborts. */
export async function* linesFrom(path, signal) {
  const answer = await fetch(`/arpanet/v1${path}`, { signal });
  if (!answer.ok) throw await refusal(answer);
  yield* linesOf(answer);
}

/** Takes the session from this browser. */
export async function signOut() {
  await fetch('/arpanet/v1/session', { method: 'DELETE' });
}
