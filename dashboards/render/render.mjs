// Draws dashboards with Grafana's own components: the JSON that is checked in and a file of query results in, pictures out.
//
//   node render/render.mjs --data results.json --out folder [--dashboard fleet]… [--theme dark] [--width 1600] [--scale 1]
//
// Exit code 1, with a list, when a panel is empty or of a kind that is not known here, or the browser reports an error.
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';

import puppeteer from 'puppeteer-core';

import { bundle } from './bundle.mjs';

const here = new URL('.', import.meta.url).pathname;
const { values: given } = parseArgs({
  options: {
    data: { type: 'string' }, out: { type: 'string', default: join(here, '../out') }, dashboard: { type: 'string', multiple: true },
    theme: { type: 'string', multiple: true }, width: { type: 'string', default: '1600' }, scale: { type: 'string', default: '1' },
    'allow-empty': { type: 'boolean', default: false },
  },
});
if (!given.data) throw new Error('--data is missing: a file of query results, see dashboards/README.md');

const data = JSON.parse(readFileSync(given.data, 'utf8'));
const known = readdirSync(join(here, '../grafana')).filter((name) => name.endsWith('.json')).map((name) => basename(name, '.json'));
const wanted = given.dashboard ?? known.filter((name) => data.dashboards[name]);
const page = await bundle();
mkdirSync(given.out, { recursive: true });

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb', '--font-render-hinting=none'],
});
// Every request is answered from these folders; nothing leaves the page.
const ORIGIN = 'http://dashboards.invalid';
const TYPES = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
const inter = join(here, '../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2');
const icons = join(here, '../node_modules/@grafana/ui/dist/public/img/icons');

const failures = [];
try {
  for (const name of wanted) {
    for (const theme of given.theme ?? ['light', 'dark']) failures.push(...await draw(name, theme));
  }
} finally {
  await browser.close();
}
if (failures.length > 0) {
  console.error(failures.map((failure) => `- ${failure}`).join('\n'));
  process.exitCode = 1;
}

function file(path) {
  const name = decodeURIComponent(path);
  const found = name.startsWith('/public/build/img/icons/') ? join(icons, name.slice(24))
    : name.startsWith('/public/fonts/inter/') ? inter : join(page, basename(name));
  return existsSync(found) ? readFileSync(found) : undefined;
}

async function draw(name, theme) {
  const problems = [];
  const width = Number(given.width);
  const tab = await browser.newPage();
  tab.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  tab.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  await tab.setRequestInterception(true);
  tab.on('request', (request) => {
    const url = new URL(request.url());
    if (['data:', 'blob:'].includes(url.protocol)) return request.continue();
    const body = url.origin === ORIGIN ? file(url.pathname) : undefined;
    if (body) return request.respond({ body, contentType: TYPES[extname(url.pathname)] ?? 'text/plain' });
    problems.push(`asked for ${request.url()}`);
    return request.abort();
  });
  await tab.setViewport({ deviceScaleFactor: Number(given.scale), height: 1000, width });
  await tab.goto(`${ORIGIN}/page.html`);
  const dashboard = JSON.parse(readFileSync(join(here, `../grafana/${name}.json`), 'utf8'));
  const results = data.dashboards[name];
  if (!results) return [`${name}: no results in ${given.data}`];
  const job = { dashboard, range: results.range ?? data.range, results, theme, width };
  // The page grows before anything is drawn, so that tables know how many rows they have room for.
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  await tab.setViewport({ deviceScaleFactor: Number(given.scale), height: 104 + bottom * 38 + 12, width });
  const drawn = await tab.evaluate((one) => window.draw(one), job);
  const wrong = drawn.problems.filter((problem) => !given['allow-empty'] || !problem.endsWith(': empty'));
  const path = join(given.out, `${name}-${theme}.png`);
  await tab.screenshot({ path, type: 'png' });
  await tab.close();
  console.log(path);
  return [...wrong, ...problems].map((problem) => `${name} (${theme}): ${problem}`);
}
