/**
 * Go's templates as a tree: the part of text/template that texts of services need. Pure.
 * Source: the Go package text/template (Actions, Arguments, Pipelines, Variables).
 */

/** Why a text is no template, or cannot be filled in; in Go's words. */
export class GoTemplateError extends Error {
  constructor(why: string) {
    super(`template: expansion:1: ${why}`);
    this.name = 'GoTemplateError';
  }
}

/** One argument of a command. */
export type Operand =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  /** `.A.B`; of `$x.A.B` and `(…).A.B` what is before the fields. */
  | { readonly kind: 'fields'; readonly of: Operand | undefined; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline };

export interface Pipeline {
  /** `$k, $v :=`; `isNew`: with `:=`, and not with `=`. */
  readonly declares: readonly string[];
  readonly isNew: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

/** A piece of a template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

const TOKEN =
  /\s*(?:("(?:[^"\\\n]|\\.)*")|`([^`]*)`|([-+]?\d+(?:\.\d+)?)(?![\w.])|(\$\w*)|((?:\.[A-Za-z_]\w*)+)|([A-Za-z_]\w*)|(:=|=|[|(),.]))/y;

type Token = {
  readonly kind: 'string' | 'number' | 'variable' | 'fields' | 'word' | 'sign';
  readonly text: string;
  readonly isApart: boolean;
};

function tokensOf(action: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (action.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(action);
    if (found === null) throw new GoTemplateError(`unexpected ${JSON.stringify(action.slice(at).trim()[0])} in command`);
    const [whole, quoted, raw, number, variable, fields, word, sign] = found;
    const isApart = /^\s/.test(whole);
    if (quoted !== undefined) tokens.push({ kind: 'string', text: unquoted(quoted), isApart });
    else if (raw !== undefined) tokens.push({ kind: 'string', text: raw, isApart });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, isApart });
    else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable, isApart });
    else if (fields !== undefined) tokens.push({ kind: 'fields', text: fields, isApart });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, isApart });
    else tokens.push({ kind: 'sign', text: sign ?? '', isApart });
    at += whole.length;
  }
  return tokens;
}

function unquoted(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new GoTemplateError(`malformed string ${quoted}`);
  }
}

/** Reads one action's tokens. */
class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(action: string) {
    this.#tokens = tokensOf(action);
  }

  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  take(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  isSign(text: string): boolean {
    return this.next?.kind === 'sign' && this.next.text === text;
  }

  word(): string | undefined {
    return this.next?.kind === 'word' ? this.next.text : undefined;
  }

  pipeline(context: string): Pipeline {
    const { declares, isNew } = this.declarations();
    const commands: (readonly Operand[])[] = [this.command(context)];
    while (this.isSign('|')) {
      this.take();
      commands.push(this.command(context));
    }
    return { declares, isNew, commands };
  }

  private declarations(): Pick<Pipeline, 'declares' | 'isNew'> {
    const begin = this.#at;
    const names: string[] = [];
    while (this.next?.kind === 'variable') {
      names.push(this.take()?.text ?? '');
      if (!this.isSign(',')) break;
      this.take();
    }
    if (names.length > 0 && (this.isSign(':=') || this.isSign('='))) return { declares: names, isNew: this.take()?.text === ':=' };
    this.#at = begin;
    return { declares: [], isNew: true };
  }

  private command(context: string): readonly Operand[] {
    const operands: Operand[] = [];
    while (this.next !== undefined && !this.isSign('|') && !this.isSign(')')) operands.push(this.operand(context));
    if (operands.length === 0) throw new GoTemplateError(`missing value for ${context}`);
    return operands;
  }

  private operand(context: string): Operand {
    const base = this.base(context);
    const { next } = this;
    const isField = next?.kind === 'fields' && !next.isApart && (base.kind === 'variable' || base.kind === 'pipeline');
    if (!isField) return base;
    this.take();
    return { kind: 'fields', of: base, path: pathOf(next.text) };
  }

  private base(context: string): Operand {
    const token = this.take();
    if (token === undefined) throw new GoTemplateError('unexpected end of action');
    switch (token.kind) {
      case 'string':
        return { kind: 'constant', value: token.text };
      case 'number':
        return { kind: 'constant', value: Number(token.text) };
      case 'variable':
        return { kind: 'variable', name: token.text };
      case 'fields':
        return { kind: 'fields', of: undefined, path: pathOf(token.text) };
      case 'word':
        return wordOf(token.text);
      default:
        return this.signed(token.text, context);
    }
  }

  private signed(sign: string, context: string): Operand {
    if (sign === '.') return { kind: 'fields', of: undefined, path: [] };
    if (sign !== '(') throw new GoTemplateError(`unexpected ${JSON.stringify(sign)} in operand`);
    const pipeline = this.pipeline(context);
    if (!this.isSign(')')) throw new GoTemplateError('unclosed left paren');
    this.take();
    return { kind: 'pipeline', pipeline };
  }
}

const pathOf = (fields: string): readonly string[] => fields.slice(1).split('.');

function wordOf(word: string): Operand {
  if (word === 'true' || word === 'false') return { kind: 'constant', value: word === 'true' };
  if (word === 'nil') return { kind: 'constant', value: null };
  return { kind: 'function', name: word };
}

type Piece = { readonly text: string } | { readonly action: string };

/** Texts and actions in order; `{{-` and `-}}` have taken the white space beside them. */
function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let isTrimmed = false;
  for (;;) {
    const open = template.indexOf('{{', at);
    const before = template.slice(at, open < 0 ? undefined : open);
    const trimsBefore = open >= 0 && /^-\s/.test(template.slice(open + 2, open + 4));
    const left = isTrimmed ? before.trimStart() : before;
    pieces.push({ text: trimsBefore ? left.trimEnd() : left });
    if (open < 0) return pieces;
    const close = template.indexOf('}}', open);
    if (close < 0) throw new GoTemplateError('unclosed action');
    const inner = template.slice(open + 2, close);
    isTrimmed = /\s-$/.test(inner);
    pieces.push({ action: inner.replace(/^-(?=\s)/, '').replace(/(?<=\s)-$/, '') });
    at = close + 2;
  }
}

/** Throws `GoTemplateError`. */
export function parseGoTemplate(template: string): readonly Node[] {
  const pieces = [...piecesOf(template)];
  const { nodes, end } = nodesOf(pieces);
  if (end !== undefined) throw new GoTemplateError(`unexpected {{${end.word}}}`);
  return nodes;
}

interface End {
  readonly word: 'end' | 'else';
  readonly reader: Reader;
}

function nodesOf(pieces: Piece[]): { readonly nodes: readonly Node[]; readonly end: End | undefined } {
  const nodes: Node[] = [];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
    if ('text' in piece) {
      if (piece.text !== '') nodes.push({ kind: 'text', text: piece.text });
      continue;
    }
    if (/^\s*\/\*[^]*\*\/\s*$/.test(piece.action)) continue;
    const reader = new Reader(piece.action);
    const word = reader.word();
    if (word === 'end' || word === 'else') {
      reader.take();
      return { nodes, end: { word, reader } };
    }
    nodes.push(actionOf(reader, word, pieces));
  }
  return { nodes, end: undefined };
}

function actionOf(reader: Reader, word: string | undefined, pieces: Piece[]): Node {
  if (word === 'if' || word === 'with' || word === 'range') {
    reader.take();
    return controlOf(reader, word, pieces);
  }
  if (word !== undefined && ['define', 'template', 'block', 'break', 'continue'].includes(word))
    throw new GoTemplateError(`{{${word}}} is not supported by arpanet`);
  const pipeline = reader.pipeline('command');
  refuseMore(reader);
  return { kind: 'action', pipeline };
}

function controlOf(reader: Reader, kind: 'if' | 'with' | 'range', pieces: Piece[]): Node {
  const pipeline = reader.pipeline(kind);
  refuseMore(reader);
  const { nodes: body, end } = nodesOf(pieces);
  if (end === undefined) throw new GoTemplateError('unexpected EOF');
  if (end.word === 'end') return { kind, pipeline, body, otherwise: [] };
  const again = end.reader.word();
  if (again === kind && kind !== 'range') {
    end.reader.take();
    // `{{else if x}}` is `{{else}}{{if x}}`, and one `{{end}}` ends both
    return { kind, pipeline, body, otherwise: [controlOf(end.reader, kind, pieces)] };
  }
  refuseMore(end.reader);
  const { nodes: otherwise, end: last } = nodesOf(pieces);
  if (last?.word !== 'end') throw new GoTemplateError(last === undefined ? 'unexpected EOF' : 'expected end; found {{else}}');
  return { kind, pipeline, body, otherwise };
}

function refuseMore(reader: Reader): void {
  if (reader.next !== undefined) throw new GoTemplateError(`unexpected ${JSON.stringify(reader.next.text)} in command`);
}
