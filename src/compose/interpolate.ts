/** `${NAME}`, `$NAME`, `${NAME:-else}`, `${NAME-else}`, `${NAME:?why}`, `${NAME:+then}` and `$$`, as compose reads them (compose-go, template/template.go). Pure. */
import { ArpanetError } from '../model/index.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;

/** `unset` is called with each variable that has no value and no default; it becomes the empty text. Throws `invalid`. */
export function interpolate(text: string, variables: Variables, unset: (name: string) => void): string {
  let done = '';
  for (let from = 0; ; ) {
    const at = text.indexOf('$', from);
    if (at === -1) return done + text.slice(from);
    done += text.slice(from, at);
    const next = text[at + 1];
    if (next === '$') {
      done += '$';
      from = at + 2;
    } else if (next === '{') {
      const end = closing(text, at + 2);
      if (end === -1) throw new ArpanetError('invalid', `"${text}" has a \${ without its }: write $$ for a plain $`);
      done += braced(text.slice(at + 2, end), variables, unset);
      from = end + 1;
    } else {
      const name = NAME.exec(text.slice(at + 1))?.[0];
      if (name === undefined) throw new ArpanetError('invalid', `"${text}" has a lone $: write $$ for a plain $`);
      done += plain(name, variables, unset);
      from = at + 1 + name.length;
    }
  }
}

/** The `}` that belongs to the `${` before `from`: defaults may have variables too. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{' && text[at - 1] === '$') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}

function plain(name: string, variables: Variables, unset: (name: string) => void): string {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (value === undefined) unset(name);
  return value ?? '';
}

function braced(inner: string, variables: Variables, unset: (name: string) => void): string {
  const name = NAME.exec(inner)?.[0];
  const [, colon, operator, word = ''] = /^(:?)([-?+])([\s\S]*)$/.exec(inner.slice(name?.length ?? 0)) ?? [];
  if (name === undefined || (operator === undefined && inner !== name))
    throw new ArpanetError('invalid', `cannot read "\${${inner}}": write \${NAME}, \${NAME:-else}, \${NAME:?why} or \${NAME:+then}`);
  if (operator === undefined) return plain(name, variables, unset);
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  const isSet = value !== undefined && (colon === '' || value !== '');
  const other = () => interpolate(word, variables, unset);
  if (operator === '+') return isSet ? other() : '';
  if (isSet) return value;
  if (operator === '-') return other();
  throw new ArpanetError('invalid', `the variable ${name} must be set${word === '' ? '' : `: ${other()}`}`);
}
