/** `arpanet hosts clean`. Effects: HTTP requests, the terminal. */
import { createInterface } from 'node:readline/promises';
import { ArpanetError } from '../../../model/errors.ts';
import type { CleanPlan, CleanResult } from '../../../contracts/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { cleanedText, cleanText } from '../../output/host-plans.ts';
import { hostWork } from './host-work.ts';

export interface CleanFlags extends ClientFlags {
  readonly all?: boolean;
  readonly volumes?: boolean;
  readonly networks?: boolean;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

/** Asks first, unless `--yes`. Throws `invalid` where there is no terminal to ask at, and when the answer is no. */
export async function cleanHosts(names: readonly string[], flags: CleanFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const what = { all: flags.all === true, volumes: flags.volumes === true, networks: flags.networks === true };
  const plans: CleanPlan[] = [];
  for (const name of names) plans.push(await api.v1.call('getHostsClean', { host: name, ...what }));
  if (flags.plan === true) return show(plans, (all) => all.map(cleanText).join('\n'));
  if (flags.json !== true) for (const plan of plans) terminal.say(cleanText(plan));
  if (flags.yes !== true) await confirm();
  const results: CleanResult[] = [];
  for (const name of names) results.push(await hostWork('postHostsClean', { host: name, body: what }, flags, terminal));
  show(results, cleanedText);
}

async function confirm(): Promise<void> {
  if (!process.stdin.isTTY)
    throw new ArpanetError('invalid', 'standard input is not a terminal, so nobody can confirm: give --yes, or --plan to change nothing');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question('Continue? [y/N] ');
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new ArpanetError('invalid', 'nothing was changed');
}
