/** The commands, those for hosts above all, as a person finds them: help, completion, what is refused before anybody is asked. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { arpanetProgram } from '../../../src/cli/program.ts';

/** Nobody listens there. */
const NOBODY = 'tcp://127.0.0.1:1';
const VERBS = ['ls', 'inspect', 'add', 'update', 'rm', 'revoke', 'readmit', 'drain', 'activate', 'clean', 'reset', 'fillup'];

function program(endpoint = NOBODY): { readonly root: Command; readonly said: () => string } {
  let said = '';
  const out = (text: string) => void (said += text);
  const paced = async (text: string) => {
    out(text);
    return true;
  };
  const terminal = { env: { ARPANET_ENDPOINT: endpoint }, out, paced, say: out, isTerminal: false, columns: undefined };
  const root = arpanetProgram(terminal);
  const quiet = (command: Command) => {
    command.configureOutput({ writeOut: out, writeErr: out });
    command.commands.forEach(quiet);
  };
  quiet(root);
  return { root, said: () => said };
}

/** Those that have no report. */
const SILENT = ['up', 'scheduler', 'agent', 'completion', 'man', 'config sample', 'restore', 'context'];

describe('the commands', () => {
  it('have examples in the help of every one, and --json for every report', () => {
    let count = 0;
    const look = (command: Command, path: readonly string[]): void => {
      const { commands } = command;
      if (path.length > 0 && (commands.length === 0 || path[0] === 'hosts')) {
        let help = '';
        command.configureOutput({ writeOut: (text) => (help += text) });
        command.outputHelp();
        const words = path.join(' ');
        assert.match(help, /^Examples:/m, words);
        assert.equal(/--json/.test(help), !SILENT.includes(words), words);
        count++;
      }
      for (const one of commands) look(one, [...path, one.name()]);
    };
    look(program().root, []);
    assert.ok(count > 40, `${count}`);
  });
});

describe('the commands for hosts', () => {
  it('have help with examples, each of which begins with the command', () => {
    const { root } = program();
    const hosts = root.commands.find((one) => one.name() === 'hosts');
    assert.deepEqual(
      hosts?.commands.map((one) => one.name()),
      VERBS,
    );
    for (const command of [
      ...(hosts?.commands ?? []),
      ...root.commands.filter((one) => ['rebalance', 'top', 'drain', 'activate'].includes(one.name())),
    ]) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      assert.match(help, /--json/, command.name());
      assert.match(help, /Examples:\n {2}arpanet /, command.name());
    }
  });

  it('are known to the completion', async () => {
    const { root, said } = program();
    await root.parseAsync(['completion', 'bash'], { from: 'user' });
    for (const words of [...VERBS.map((verb) => `hosts ${verb}`), 'rebalance', 'top', 'drain'])
      assert.ok(said().includes(`'${words}')`), words);
  });

  it('beside them the token has a verb: another is refused with the nearest', async () => {
    const { root, said } = program();
    await assert.rejects(
      root.parseAsync(['token', 'rotat'], { from: 'user' }),
      /"rotat" is no command for the token; did you mean rotate\?/,
    );
    await assert.rejects(root.parseAsync(['token', 'rotate', '--help'], { from: 'user' }));
    assert.match(said(), /Examples:\n {2}arpanet token rotate/);
  });

  it('list the hosts when no verb is given', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.end('[]');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { root, said } = program(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
      await root.parseAsync(['hosts'], { from: 'user' });
      assert.match(said(), /^HOST +ADDRESS +STATE/);
      assert.deepEqual(asked, ['/arpanet/v1/hosts']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('refuse what cannot be read, saying how to write it, before anybody is asked', async () => {
    const refused = (text: string) => program().root.parseAsync(text.split(' '), { from: 'user' });
    await assert.rejects(refused('hosts update h1'), /nothing to change: give --label-add/);
    await assert.rejects(refused('hosts update h1 --memory much'), /--memory is "much": write a size, as 512m or 2g, or none/);
    await assert.rejects(refused('hosts add h4 --address there'), /--address is "there": it is the IP address/);
    await assert.rejects(refused('hosts add h4 --label disk'), /the label "disk" is not KEY=VALUE/);
    await assert.rejects(refused('hosts add h4 --availability drain'), /Allowed choices are active, pause/);
    await assert.rejects(refused('top --interval 0'), /--interval is "0": it is a number above 0/);
    await assert.rejects(refused('hosts inspect h1'), /no scheduler answers at http:\/\/127\.0\.0\.1:1/);
  });
});
