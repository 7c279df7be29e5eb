// Opens pages in headless Chromium, light and dark, wide and narrow. Nothing may be loaded but the page itself, nothing may be
// written to the console, and axe-core may find nothing serious.
//
//   node tests/pages/run.mjs [--images DIR [--scale N]] [--pages N] FILE-OR-URL…
//
// --images keeps a picture of each; --pages says how many pages of paper a document takes. Without a browser it fails:
// CHROMIUM names one that is somewhere else.

import { mkdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { images: { type: 'string' }, pages: { type: 'string' }, scale: { type: 'string', default: '1' } },
});
if (positionals.length === 0) {
  console.error('name the pages: files or addresses');
  process.exit(2);
}

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .find((path) => path && existsSync(path));
if (!executablePath) {
  console.error('there is no Chromium: install it, or name it in CHROMIUM');
  process.exit(2);
}

const WIDTHS = { wide: { width: 1180, height: 900 }, narrow: { width: 390, height: 844 } };
const SERIOUS = ['serious', 'critical'];

// The sandbox does not work for root, as whom containers run; the pages are our own.
const browser = await puppeteer.launch({
  executablePath,
  args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--hide-scrollbars'],
});
let faults = 0;
try {
  for (const subject of positionals) {
    const url = /^https?:/.test(subject) ? subject : pathToFileURL(resolve(subject)).href;
    // A picture has one size.
    const isPicture = /\.svg$/.test(url);
    for (const [width, viewport] of Object.entries(WIDTHS).slice(0, isPicture ? 1 : undefined)) {
      for (const scheme of ['light', 'dark']) {
        const found = await examine(url, viewport, scheme, `${basename(subject).replace(/\.[a-z]+$/, '')}-${width}-${scheme}`);
        faults += found.length;
        console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${subject} ${width} ${scheme}`);
        found.forEach((fault) => console.log(`     ${fault}`));
      }
    }
    if (values.pages && /\.html$/.test(subject)) {
      const count = await paper(url, `${basename(subject, '.html')}-paper`);
      const isRight = count === Number(values.pages);
      faults += isRight ? 0 : 1;
      console.log(`${isRight ? 'ok  ' : 'FAIL'} ${subject} takes ${count} pages of paper`);
    }
  }
} finally {
  await browser.close();
}
process.exit(faults === 0 ? 0 : 1);

async function examine(url, viewport, scheme, name) {
  const page = await browser.newPage();
  const found = [];
  try {
    await page.setViewport({ ...viewport, deviceScaleFactor: Number(values.scale) });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    page.on('console', (message) => found.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => found.push(`script: ${error.message}`));
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      if (request.url() === url) return request.continue();
      found.push(`request: ${request.url()}`);
      return request.abort();
    });
    const response = await page.goto(url, { waitUntil: 'load' });
    if (response.status() >= 400 && !/\b(404|503)\b/.test(name)) found.push(`status: ${response.status()}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > viewport.width) found.push(`it is ${width} wide on a screen of ${viewport.width}`);
    if (values.images) {
      mkdirSync(values.images, { recursive: true });
      await page.screenshot({ path: join(values.images, `${name}.png`), fullPage: true });
    }
    if (/\.svg$/.test(url)) return found;
    // It comes over the debugger, so that the page's policy stays in force.
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    if (passes.length === 0) found.push('axe-core examined nothing');
    for (const { id, impact, help, nodes } of violations) {
      const where = nodes.map((node) => node.target.join(' ')).slice(0, 3).join(', ');
      const text = `axe ${impact}: ${id}: ${help} (${where})`;
      if (SERIOUS.includes(impact)) found.push(text);
      else console.log(`note ${text}`);
    }
    return found;
  } finally {
    await page.close();
  }
}

async function paper(url, name) {
  const page = await browser.newPage();
  try {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await page.goto(url, { waitUntil: 'load' });
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    if (values.images) writeFileSync(join(values.images, `${name}.pdf`), pdf);
    return Buffer.from(pdf).toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
  } finally {
    await page.close();
  }
}
