// A client that means no good: node hostile.mjs KIND COUNT PORT. Says "ready" when all its connections are open, and goes on until it is killed. What is closed is opened again.
import net from 'node:net';

const [, , kind, count, port] = process.argv;
const PIPELINED = 4;
const drip = (start) => (socket) => {
  socket.write(start);
  const timer = setInterval(() => socket.write('x'), 1000);
  socket.once('close', () => clearInterval(timer));
};
const kinds = {
  idle: () => undefined,
  'slow heads': drip('GET /containers/json HTTP/1.1\r\nHost: d\r\nx-slow: '),
  'slow bodies': drip('POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n'),
  'slow readers': (socket) => {
    socket.pause();
    socket.write('GET /containers/json?all=1 HTTP/1.1\r\nHost: d\r\n\r\n'.repeat(PIPELINED));
  },
};
const each = kind === 'mixed' ? Object.values(kinds) : [kinds[kind]];
let open = 0;
// connections that nobody reads do not keep a process
setInterval(() => undefined, 1_000_000);
function connect(i) {
  const socket = net.connect({ port: Number(port), host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    open += 1;
    if (open === Number(count)) process.stdout.write('ready\n');
    each[i % each.length](socket);
  });
  socket.once('close', () => setTimeout(connect, 100, i));
}
for (let i = 0; i < Number(count); i++) connect(i);
