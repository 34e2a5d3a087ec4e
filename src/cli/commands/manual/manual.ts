/** The manual page arpanet(1), made from the declared commands: one text for it and for `--help`. Effects: the terminal. */
import type { Command } from 'commander';
import { VERSION } from '../../../config/version.ts';
import type { Terminal } from '../../command.ts';

export function printManual(root: Command, { out }: Pick<Terminal, 'out'>): void {
  out(manualPage(root, VERSION));
}

/** In roff, with the macros of man(7). */
export function manualPage(root: Command, version: string): string {
  return [
    `.TH ARPANET 1 "" "arpanet ${version}" "User Commands"`,
    '.SH NAME',
    `arpanet \\- ${roff(root.description().replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    '.B arpanet',
    '.I command',
    '[\\fIoption\\fR ...]',
    '.SH DESCRIPTION',
    'Every command that asks a cluster takes any scheduler: \\fB\\-\\-endpoint\\fR tcp://HOST:PORT, else the variable',
    '\\fBARPANET_ENDPOINT\\fR, else as docker does: \\fBDOCKER_HOST\\fR with \\fBDOCKER_TLS_VERIFY\\fR and \\fBDOCKER_CERT_PATH\\fR, \\fBDOCKER_CONTEXT\\fR, the context in use.',
    '.SH COMMANDS',
    ...leaves(root, root.name()).flatMap(section),
    '.SH EXIT STATUS',
    '0 done, 1 failed, 2 wrong usage, 3 \\fBarpanet status\\fR found a problem, 130 ended by Ctrl\\-C.',
    '.SH FILES',
    '.TP',
    '.I /etc/arpanet/scheduler.yaml, /etc/arpanet/agent.yaml',
    'What the services of the Debian package are started with; \\fBarpanet config sample\\fR prints such a file.',
    '',
  ].join('\n');
}

interface Leaf {
  readonly words: string;
  readonly command: Command;
}

/** Commands that do something, in the order of the help. */
function leaves(parent: Command, before: string): Leaf[] {
  return parent.commands.flatMap((command) => {
    const words = `${before} ${command.name()}`;
    const below = leaves(command, words);
    return below.length === 0 ? [{ words, command }] : below;
  });
}

/** Usage, summary, options with their help, and what `--help` prints below: variables and examples. */
function section({ words, command }: Leaf): string[] {
  const help = command.createHelp();
  return [
    `.SS ${roff(words)}`,
    `.B ${roff(help.commandUsage(command))}`,
    '.PP',
    roff(help.commandDescription(command)),
    ...help
      .visibleOptions(command)
      .flatMap((option) => ['.TP', `.B ${roff(help.optionTerm(option))}`, roff(help.optionDescription(option))]),
    '.PP',
    '.nf',
    ...textBelow(command).split('\n').map(roff),
    '.fi',
  ];
}

function textBelow(command: Command): string {
  let text = '';
  const before = command.configureOutput();
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHasColors: () => false,
  });
  command.outputHelp();
  const own = command.helpInformation();
  command.configureOutput(before);
  return text.slice(own.length).trim();
}

/** A line that roff prints unchanged. */
function roff(line: string): string {
  const text = line.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga');
  return /^[.']/.test(text) ? `\\&${text}` : text;
}
