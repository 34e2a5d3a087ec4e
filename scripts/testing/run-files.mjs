// What a test process runs: the test files that are named on its command line, one after the other.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// Nobody listens any more: whoever started this was killed. What this process started ends with it.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();
// Node may hang while it takes itself down, once in thousands of times: whoever started this need not wait for that.
process.once('exit', (code) => process.connected && process.send({ ended: code }));

for (const file of process.argv.slice(2)) await import(pathToFileURL(resolve(file)).href);
