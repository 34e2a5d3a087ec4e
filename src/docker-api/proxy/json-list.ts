/** Effects: answers with a list of any length, in pieces that the client has room for. */
import { pacedWriter } from '../../async/paced-writer.ts';
import { redacted } from '../access/redact.ts';
import { type Exchange, ownHeaders, send } from '../request-context.ts';

/** What is shorter is answered whole, with its length, as Engines do. */
const WHOLE_BYTES = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** Never more than a megabyte of it is in memory, and what each element is made of. */
export async function sendJsonList(call: Exchange, elements: Iterable<unknown>): Promise<void> {
  const write = pacedWriter(call.res);
  let text = '[';
  let isBegun = false;
  let isFirst = true;
  for (const element of elements) {
    text += (isFirst ? '' : ',') + JSON.stringify(call.isRedacted === true ? redacted(element) : element);
    isFirst = false;
    if (text.length < (isBegun ? PIECE_BYTES : WHOLE_BYTES)) continue;
    if (!isBegun) call.res.writeHead(200, { ...ownHeaders(call.newestVersion, call.requestId), 'Content-Type': 'application/json' });
    isBegun = true;
    if (!(await write(text))) return;
    text = '';
  }
  text += ']\n';
  if (!isBegun) return send(call, { status: 200, body: text });
  await write(text);
  call.res.end();
}
