// Bundles a TypeScript file for node and runs it.
import { build } from 'esbuild';
import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const here = new URL('.', import.meta.url).pathname;
const [entry, ...rest] = process.argv.slice(2);
const outfile = `${here}node_modules/.cache/ruad/${entry.replaceAll('/', '-')}.mjs`;
mkdirSync(`${here}node_modules/.cache/ruad`, { recursive: true });
await build({
  absWorkingDir: here, bundle: true, entryPoints: [entry], format: 'esm', logLevel: 'warning', outfile, platform: 'node',
  target: 'node20',
});
process.chdir(here);
process.argv = [process.argv[0], outfile, ...rest];
await import(`${pathToFileURL(outfile)}?${Date.now()}`);
