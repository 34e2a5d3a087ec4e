// Imported first by every test process: TypeScript, for that process alone. Whatever it starts is JavaScript, or asks for tsx itself, and
// starts three times as fast without.
import 'tsx';

const own = `--import=${import.meta.url}`;
const others = (process.env.NODE_OPTIONS ?? '').split(' ').filter((option) => option !== '' && option !== own);
if (others.length > 0) process.env.NODE_OPTIONS = others.join(' ');
else delete process.env.NODE_OPTIONS;
