// Bundles the page. What Grafana's packages need beyond esbuild's defaults is here.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { build } from 'esbuild';

const here = new URL('.', import.meta.url).pathname;

/**
 * esbuild takes `.mjs` as node's own kind of module, where the default import of a CommonJS package is its whole
 * `module.exports`. Grafana's packages are built for bundlers that do not, so they are read under another name.
 */
const grafana = {
  name: 'grafana',
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^\.|^@grafana\// }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData?.seen) return undefined;
      const found = await resolve(path, { kind, pluginData: { seen: true }, resolveDir });
      const ours = /node_modules\/@grafana\/[^]*\.mjs$/.test(found.path);
      return ours && found.errors.length === 0 ? { namespace: 'grafana', path: found.path, sideEffects: found.sideEffects } : undefined;
    });
    onResolve({ filter: /.*/, namespace: 'grafana' }, async ({ path, kind, pluginData, importer }) => {
      if (pluginData?.seen) return undefined;
      const found = await resolve(path, { kind, pluginData: { seen: true }, resolveDir: dirname(importer) });
      if (found.errors.length > 0) return { errors: found.errors };
      return /node_modules\/@grafana\/[^]*\.mjs$/.test(found.path) ? { namespace: 'grafana', path: found.path } : { path: found.path };
    });
    onLoad({ filter: /.*/, namespace: 'grafana' }, ({ path }) => ({
      contents: readFileSync(path, 'utf8'), loader: 'js', resolveDir: dirname(path),
    }));
  },
};

/** Writes the page and returns its folder. */
export async function bundle() {
  const outdir = join(here, '../node_modules/.cache/ruad/page');
  mkdirSync(outdir, { recursive: true });
  await build({
    absWorkingDir: join(here, '..'), bundle: true, define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    entryPoints: ['render/entry.tsx'], format: 'iife', jsx: 'automatic', logLevel: 'error', minify: false, outdir, platform: 'browser',
    plugins: [grafana], target: 'chrome120', treeShaking: true,
    loader: { '.gif': 'dataurl', '.png': 'dataurl', '.svg': 'dataurl', '.ttf': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl' },
  });
  copyFileSync(join(here, 'page.html'), join(outdir, 'page.html'));
  return outdir;
}
