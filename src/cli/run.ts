/**
 * One run of the arpanet command. Effects: the command line, the environment, exit codes.
 * Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 `status`: the cluster has a problem, 130 ended by Ctrl-C.
 */
import { CommanderError } from 'commander';
import { pacedWriter } from '../async/paced-writer.ts';
import { ArpanetError, isKind } from '../model/errors.ts';
import { arpanetProgram } from './program.ts';

const [DONE, FAILED, WRONG_USAGE] = [0, 1, 2];
const say = (line: string) => {
  process.stderr.write(`${line}\n`);
};

/** What the cluster refuses as malformed or unknown is wrong usage, too. */
function isWrongUsage(error: unknown): boolean {
  return isKind(error, 'invalid') || (error instanceof ArpanetError && (error.engineStatus === 400 || error.engineStatus === 404));
}

/** What is not in the message already. */
const causeOf = ({ message, cause }: Error): string =>
  cause instanceof Error && !message.includes(cause.message) ? `\n  because: ${cause.message}` : '';

/** A mistake in arpanet itself, with where it is. */
async function traced(error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  const { mappedStack } = await import('./mapped-stack.ts');
  return mappedStack(error.stack ?? error.message);
}

/** Ends once a slow reader has all that was written to it. */
async function end(code?: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((written) => {
      stream.write('', () => written());
    });
  }
  // given as an argument, `undefined` would take the place of what a command has set
  return process.exit(code ?? process.exitCode);
}

export async function run(): Promise<never> {
  // A reader may close the pipe early: `arpanet logs abc | head`.
  process.stdout.on('error', () => process.exit());
  try {
    await arpanetProgram({
      env: process.env,
      out(text) {
        process.stdout.write(text);
      },
      paced: pacedWriter(process.stdout),
      say,
      isTerminal: process.stdout.isTTY,
      columns: process.stdout.isTTY ? process.stdout.columns || undefined : undefined,
    }).parseAsync();
    return await end();
  } catch (error) {
    if (error instanceof CommanderError) return await end(error.exitCode === 0 ? DONE : WRONG_USAGE);
    if (error instanceof ArpanetError) say(`arpanet: ${error.message}${causeOf(error)}`);
    else say(`arpanet: ${await traced(error)}`);
    return await end(isWrongUsage(error) ? WRONG_USAGE : FAILED);
  }
}
