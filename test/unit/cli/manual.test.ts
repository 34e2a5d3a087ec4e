import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { manualPage } from '../../../src/cli/commands/manual/manual.ts';

const program = () =>
  arpanetProgram({ env: {}, out() {}, paced: () => Promise.resolve(true), say() {}, isTerminal: false, columns: undefined });

describe('the manual page', () => {
  const page = manualPage(program(), '1.2.3');

  it('has every command with its options, variables and examples, in the words of its help', () => {
    assert.match(page, /^\.TH ARPANET 1 "" "arpanet 1\.2\.3"/);
    const drain = page.slice(page.indexOf('.SS arpanet hosts drain\n'), page.indexOf('.SS arpanet hosts fillup'));
    assert.match(drain, /^\.B \\-\\-deadline/m);
    assert.match(drain, /Examples:\n {2}arpanet hosts drain /);
    assert.match(page, /^ {2}ARPANET_JOIN_TOKEN: the secret/m);
    assert.match(page, /^\.SS arpanet config sample$/m);
  });

  it('has nothing that roff would take for a request', () => {
    const requests = /^\.(TH|SH|SS|TP|PP|B|I|nf|fi)\b/;
    for (const line of page.split('\n')) if (/^[.']/.test(line)) assert.match(line, requests);
  });
});
