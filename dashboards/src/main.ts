// Writes the dashboards; `--check` only compares them with what is checked in.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { all } from './all.js';

const check = process.argv.includes('--check');
const folder = join(process.cwd(), 'grafana');
const stale: string[] = [];

for (const [name, dashboard] of Object.entries(all())) {
  const path = join(folder, `${name}.json`);
  const text = `${JSON.stringify(sorted(dashboard), null, 2)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  stale.push(`${name}.json`);
  if (!check) writeFileSync(path, text);
}
if (check && stale.length > 0) {
  console.error(`Not what the generator writes: ${stale.join(', ')}. Run make dashboards.`);
  process.exitCode = 1;
} else {
  console.log(check ? 'The dashboards are what the generator writes.' : `Wrote ${stale.length} of them anew: ${stale.join(', ') || 'none'}.`);
}

/** The same with the keys of every object in order, so that a change shows as what it is. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]));
}
