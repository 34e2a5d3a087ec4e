#!/usr/bin/env node
/**
 * The arpanet command. It has no flag of V8's: with one, Node compiles its own code again at each start. What runs for long is better started with
 * --max-semi-space-size=4, as the packages and npm start do: some 20 MB less.
 *
 * Source maps, by which stacks name the files of src, are read by Node as it loads each file: a good part of the time that a short command
 * takes. So only what runs for long has them from its start, and nothing else is loaded before that is decided.
 * Effects: the setting of this process.
 */
import process from 'node:process';

const RUN_LONG: ReadonlySet<string | undefined> = new Set(['up', 'scheduler', 'agent']);

if (RUN_LONG.has(process.argv[2])) process.setSourceMapsEnabled(true);
const { run } = await import('./run.ts');
await run();
