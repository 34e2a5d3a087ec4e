/** What a docstring must say besides being there: the unit of a number, the kinds of the errors that are thrown. Pure. */
import type { SourceFile } from './source-files.ts';

/** An exported name with its docstring and its text, as far as its end. */
export interface Definition {
  readonly name: string;
  readonly doc: string;
  /** Without the docstring. */
  readonly text: string;
}

const KEYWORDS = '(?:function\\*?|const|let|class|interface|type)';

/** Undefined: the file does not define the name. */
export function definitionIn({ text }: SourceFile, name: string): Definition | undefined {
  const start = new RegExp(
    `^(?:export\\s+)?(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?${KEYWORDS}\\s+${name.replaceAll('$', '\\$')}\\b`,
    'm',
  ).exec(text)?.index;
  if (start === undefined) return undefined;
  const doc = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/[ \t]*\n$/.exec(text.slice(0, start))?.[0] ?? '';
  // the formatter indents all but the last line of a definition
  const [body = ''] = /^[^\n]*(?:\n(?:[ \t][^\n]*|[)}\]][^\n]*)?)*?(?=\n(?![ \t)}\]])|$(?![\s\S]))/.exec(text.slice(start)) ?? [];
  return { name, doc, text: body };
}

/** Ends of names that say the unit. */
const UNIT_IN_NAME =
  /(?:Ms|Seconds|Ns|Nanoseconds|Minutes|Hours|Bytes|Percent|Cpus?|Bits)$|^(?:ms|seconds|bytes|nanoseconds|milliseconds|cpus?)$/;
const UNIT_IN_WORDS =
  /\b(?:ms|milliseconds?|seconds?|nanoseconds?|minutes|hours|bytes?|KiB|MiB|GiB|percent|CPUs?|bits?|characters|lines|Unix time|since 1970|how many|how often|number of|counts?|counted|from \d|\d to \d|at most|octal|which)\b|\d ?s\b|%|\[0, 1\)/i;
/** Numbers that measure nothing: which one of many, a code, or how many of what the name says (`containers`, `maxContainers`, `count`). */
const WITHOUT_UNIT =
  /^(?:[a-z]\w*[a-z])?(?:[Nn]umber|[Ii]ndex|[Pp]ort|[Vv]ersion|[Ee]poch|[Ss]tatus|[Cc]ode|[Ss]tream|[Ss]erial|[Pp]riority|[Ii]d|[Cc]ount|[Tt]otal|[Dd]esired|[Rr]eplicas|[Rr]unning|[Pp]refix|[Vv]ni|[Mm]inor|[Tt]ype)$|^(?:a|b|uid|gid|mode|pid|done)$|^[a-z]\w*(?<!s)s$/;

/**
 * Members and parameters of type number that say no unit: in their name, in the comment above them, or in the docstring, which names them in
 * backticks or, of a function, has the unit.
 */
export function numbersWithoutUnit({ doc, text }: Definition): readonly string[] {
  const isFunction = /^(?:export )?(?:async )?(?:function|const)/.test(text);
  const head = isFunction ? (/^[^\n]*(?:\n {2}\S[^\n]*)*?(?= (?:=>|\{)\s*(?:\{?\n|$)|$)/.exec(text)?.[0] ?? '') : text;
  return [...head.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?(?:readonly )?\b([a-z]\w*)\??: number\b/g)].flatMap(
    ([, own = '', name = '']) =>
      WITHOUT_UNIT.test(name) ||
      UNIT_IN_NAME.test(name) ||
      UNIT_IN_WORDS.test(own) ||
      doc.includes(`\`${name}\``) ||
      (isFunction && UNIT_IN_WORDS.test(doc))
        ? []
        : [name],
  );
}

/** Kinds of ArpanetError that a function makes and throws itself (what is inside of it has its own docstring), and that its docstring does not name. */
export function kindsNotSaid({ doc, text }: Definition): readonly string[] {
  if (!/^(?:export )?(?:async )?(?:function|const)/.test(text)) return [];
  const thrown = new Set([...withoutInner(text).matchAll(/throw new ArpanetError\(\s*'([a-z-]+)'/g)].map(([, kind = '']) => kind));
  return [...thrown].filter((kind) => !doc.includes(`\`${kind}\``));
}

/** The text of a function without the functions inside of it. */
function withoutInner(text: string): string {
  const [first = '', ...rest] = text.split('\n');
  let inside: string | undefined;
  const own = rest.filter((line) => {
    if (inside !== undefined) {
      if (line.startsWith(`${inside}}`)) inside = undefined;
      return false;
    }
    const begun =
      /^( +)(?!if |for |while |switch |try |else |\} )\S.*(?:=> \{|\bfunction .*\{|^ +(?:async )?\w+\(.*\)(?:: [^=]*)? \{)$/.exec(line);
    inside = begun?.[1];
    return inside === undefined;
  });
  return [first, ...own].join('\n');
}

/** What says where a rule comes from: a route or version of Docker's API, a section of an RFC, a file of the program that has the rule. */
const SOURCE =
  /\bRFC \d+|\bDocker API\b|`(?:GET|POST|PUT|DELETE|HEAD) \/|method: '(?:GET|POST|PUT|DELETE|HEAD)', path|\bmoby\b|\bhaproxy\b|\bswarmkit\b|\bcompose-(?:go|spec)\b|\bdocker\/(?:go-units|cli|compose|swarm)\b|\bdistribution\/reference\b|\bGo(?:'s)?\b/;
/** Files that do as something outside of this program does: resources of Docker's API, its JSON, compose files, DNS, and the small languages. */
const FROM_OUTSIDE =
  /^(?:docker-api\/(?:containers|events|images|networks|swarm|system|volumes)|docker-json|compose|dns|text)\/(?!index\.ts$)/;

/** Whether a file that implements a rule from outside fails to name its source. */
export const isWithoutSource = ({ path, text }: SourceFile): boolean => FROM_OUTSIDE.test(path) && !SOURCE.test(text);
