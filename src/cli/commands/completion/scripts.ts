/** Completion scripts for shells, made from the declared commands. Pure. */
export interface CompletedCommand {
  /** `ip ls`, without `arpanet`. */
  readonly words: string;
  readonly summary: string;
  readonly options: readonly string[];
}

function bashCompletion(commands: readonly CompletedCommand[]): string {
  const groups = new Set(commands.flatMap(({ words }) => (words.includes(' ') ? [words.split(' ')[0] ?? ''] : [])));
  const firsts = [...new Set(commands.map(({ words }) => words.split(' ')[0] ?? ''))];
  const cases = [
    ...commands.map(({ words, options }) => `    '${words}') all='${options.join(' ')}';;`),
    ...[...groups].map((group) => {
      const inner = commands.filter(({ words }) => words.startsWith(`${group} `)).map(({ words }) => words.slice(group.length + 1));
      return `    '${group}') all='${inner.join(' ')}';;`;
    }),
  ];
  return [
    '_arpanet() {',
    '  local all word="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]}"',
    `  case "$command" in ${[...groups].join('|') || '-'}) [ "$COMP_CWORD" -gt 2 ] && command="$command \${COMP_WORDS[2]}";; esac`,
    `  if [ "$COMP_CWORD" -eq 1 ]; then all='${firsts.join(' ')}'; else case "$command" in`,
    ...cases,
    '  esac; fi',
    '  COMPREPLY=($(compgen -W "$all" -- "$word"))',
    '  [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))',
    '}',
    'complete -F _arpanet arpanet',
  ].join('\n');
}

/** zsh loads the bash script through its own `bashcompinit`. */
function zshCompletion(commands: readonly CompletedCommand[]): string {
  return ['autoload -U +X compinit && compinit -u', 'autoload -U +X bashcompinit && bashcompinit', bashCompletion(commands)].join('\n');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fishCompletion(commands: readonly CompletedCommand[]): string {
  const seen = (words: readonly string[]) => words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
  const firsts = new Map<string, string>();
  for (const { words, summary } of commands) {
    const [first = '', second] = words.split(' ');
    if (!firsts.has(first)) firsts.set(first, second === undefined ? summary : '');
  }
  return [
    ...[...firsts].map(([word, summary]) => `complete -c arpanet -f -n __fish_use_subcommand -a ${word} -d ${quoted(summary)}`),
    ...commands.flatMap(({ words, summary, options }) => {
      const parts = words.split(' ');
      const [first = '', second] = parts;
      return [
        ...(second === undefined
          ? []
          : [`complete -c arpanet -f -n '${seen([first])}; and not ${seen([second])}' -a ${second} -d ${quoted(summary)}`]),
        ...options.map((option) => `complete -c arpanet -n '${seen(parts)}' -l ${option.replace(/^--/, '')}`),
      ];
    }),
  ].join('\n');
}

export const completions: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};
