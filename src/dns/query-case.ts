/**
 * The letters of a question in random case, which the answer must repeat (draft-vixie-dnsext-dns0x20; names compare without case, RFC 4343): one more bit for each letter that somebody has to guess who
 * forges answers, beside the id and the port. Pure; random bits are an argument.
 */
const NAME_AT = 12;
const isLetter = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** Where the first question's name ends in a query; its type and class follow. A label's length is 63 at most, so no letter. */
const endOfName = (query: Buffer): number => query.indexOf(0, NAME_AT);

/** The query with its question's letters in random case. `bits`: as many random bytes as the query has. */
export function mixCase(query: Buffer, bits: Buffer): Buffer {
  const mixed = Buffer.from(query);
  const end = endOfName(query);
  for (let i = NAME_AT; i < end; i++) {
    const byte = query[i] ?? 0;
    if (isLetter(byte)) mixed[i] = (byte & ~0x20) | ((bits[i] ?? 0) & 0x20);
  }
  return mixed;
}

/** `proven`: the answer repeats the question, letter by letter. `unproven`: its letters differ in case, or it repeats no question. `other`: it is of another question. */
export type Repeated = 'proven' | 'unproven' | 'other';

/** Whether an answer repeats the question of the query; headers are not looked at but for how many questions there are. */
export function repeats(answer: Buffer, query: Buffer): Repeated {
  if (answer.readUInt16BE(4) === 0) return 'unproven';
  const end = endOfName(query) + 5;
  const [said, asked] = [answer.toString('latin1', NAME_AT, end), query.toString('latin1', NAME_AT, end)];
  if (said === asked) return 'proven';
  return said.toLowerCase() === asked.toLowerCase() ? 'unproven' : 'other';
}

/** An answer with the question as the client has written it: names in it that refer to the question have its case, too. Changes the answer. */
export function withCaseOf(answer: Buffer, query: Buffer): Buffer {
  if (repeats(answer, query) === 'unproven' && answer.readUInt16BE(4) > 0) query.copy(answer, NAME_AT, NAME_AT, endOfName(query));
  return answer;
}
