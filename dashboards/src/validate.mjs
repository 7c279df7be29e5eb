// Checks the dashboards that are checked in: against Grafana's own types, and against the rules of this house.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const here = new URL('..', import.meta.url).pathname;
const raw = '@grafana/schema/dist/types/raw';
const KINDS = { bargauge: null, geomap: null, stat: null, table: 'FieldConfig', text: null, timeseries: 'FieldConfig' };

const problems = [];
const schema = grafana();
const files = readdirSync(join(here, 'grafana')).filter((name) => name.endsWith('.json')).sort();
for (const file of files) {
  const dashboard = JSON.parse(readFileSync(join(here, 'grafana', file), 'utf8'));
  const say = (text) => problems.push(`${file}: ${text}`);
  types(dashboard, say);
  house(dashboard, say);
}
const uids = files.map((file) => JSON.parse(readFileSync(join(here, 'grafana', file), 'utf8')).uid);
if (new Set(uids).size !== uids.length) problems.push(`uids are not unique: ${uids.join(', ')}`);
if (problems.length > 0) {
  console.error(problems.map((one) => `- ${one}`).join('\n'));
  process.exitCode = 1;
} else {
  console.log(`${files.length} dashboards keep to Grafana's types and to the rules of the house.`);
}

/** A validator for each of Grafana's types that occur, made from the types of the release that is pinned. */
function grafana() {
  const folder = join(here, 'node_modules/.cache/ruad');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'types.ts');
  const kinds = Object.entries(KINDS);
  writeFileSync(path, [
    `import type { Dashboard, Panel } from '${raw}/dashboard/x/types.gen';`,
    ...kinds.map(([kind]) => `import type * as ${kind} from '${raw}/composable/${kind}/panelcfg/x/types.gen';`),
    'export type dashboardType = Dashboard;',
    'export type panelType = Panel;',
    ...kinds.map(([kind]) => `export type ${kind}Options = ${kind}.Options;`),
    ...kinds.filter(([, custom]) => custom).map(([kind, custom]) => `export type ${kind}Custom = ${kind}.${custom};`),
  ].join('\n'));
  const generator = createGenerator({ additionalProperties: false, expose: 'none', path, skipTypeCheck: true, topRef: false, type: '*' });
  const ajv = new Ajv({ allErrors: true, strict: false });
  const made = new Map();
  return (name) => {
    if (!made.has(name)) {
      // The types ask for what Grafana fills in when it loads a dashboard.
      const loose = (key, value) => (key === 'required' && Array.isArray(value) ? undefined : value);
      made.set(name, ajv.compile(JSON.parse(JSON.stringify(generator.createSchema(name), loose))));
    }
    return made.get(name);
  };
}

function types(dashboard, say) {
  const check = (name, value, at) => {
    const validate = schema(name);
    if (!validate(value)) validate.errors.forEach(({ instancePath, message, params }) =>
      say(`${at}${instancePath} ${message} ${JSON.stringify(params)}`));
  };
  const { panels, ...rest } = structuredClone(dashboard);
  // A query of an annotation is of the data source's own kind, which the type does not know.
  for (const one of rest.annotations.list) delete one.target;
  check('dashboardType', rest, 'dashboard');
  for (const panel of panels) {
    if (panel.type === 'row') continue;
    const at = `panel ${panel.id} (${panel.title})`;
    check('panelType', panel, at);
    if (!(panel.type in KINDS)) say(`${at}: a panel of type ${panel.type} is not checked`);
    else check(`${panel.type}Options`, panel.options, `${at} options`);
    if (KINDS[panel.type]) check(`${panel.type}Custom`, panel.fieldConfig?.defaults?.custom ?? {}, `${at} custom`);
  }
}

function house({ panels, templating, annotations, uid, timezone, title }, say) {
  if (!/^ruad-[a-z]+$/.test(uid)) say(`uid ${uid} is not ruad-…`);
  if (timezone !== 'utc') say('the time zone is not UTC, but days of reports are');
  if (!title) say('no title');
  const names = templating.list.map(({ name }) => name);
  for (const sql of statements({ panels, templating, annotations })) {
    // Whatever else Grafana can make of a variable, some value ends its literal: see `encoded` in shared/sql.ts.
    const bare = sql.replace(/'\$\{[a-z]+:percentencode\}'/g, '').replace(/\$__[A-Za-z]+/g, '').match(/.{0,20}(\$|\[\[).{0,20}/);
    if (bare) say(`a statement has a variable that is not '\${name:percentencode}': ${bare[0]}`);
  }
  for (const name of ['clickhouse', 'prometheus', 'group', 'domain', 'reporter', 'trust']) {
    if (!names.includes(name)) say(`the variable ${name} is missing`);
  }
  const taken = new Map();
  const ids = new Set();
  for (const panel of panels) {
    const at = `panel ${panel.id} (${panel.title})`;
    if (ids.has(panel.id)) say(`${at}: the id is used twice`);
    ids.add(panel.id);
    const { x, y, w, h } = panel.gridPos;
    if (x < 0 || w < 1 || h < 1 || x + w > 24) say(`${at}: outside of the grid`);
    const below = new Set();
    for (let column = x; column < x + w; column += 1) {
      for (let row = y; row < y + h; row += 1) {
        const other = taken.get(`${column} ${row}`);
        if (other) below.add(other);
        taken.set(`${column} ${row}`, at);
      }
    }
    below.forEach((other) => say(`${at} lies on ${other}`));
    if (panel.type === 'row') continue;
    if (!panel.title) say(`${at}: no title`);
    if ((panel.description ?? '').length < 20) say(`${at}: no description that says what it shows and what to do`);
    if (panel.type === 'text') continue;
    const { defaults, overrides } = panel.fieldConfig;
    if (!defaults.noValue) say(`${at}: no text for no data`);
    if (!defaults.unit) say(`${at}: no unit`);
    if (!['${clickhouse}', '${prometheus}'].includes(panel.datasource?.uid)) say(`${at}: the data source is not a variable`);
    if ((panel.targets ?? []).length === 0) say(`${at}: no query`);
    for (const target of panel.targets ?? []) {
      if (!target.refId) say(`${at}: a query without refId`);
      if (target.datasource?.uid !== panel.datasource?.uid) say(`${at}: query ${target.refId} has another data source`);
      if (/^(SELECT \*|.*;\s*$)/s.test(target.rawSql ?? '')) say(`${at}: query ${target.refId} selects everything, or ends in a semicolon`);
      columns(panel, target, defaults.displayName ? [] : overrides, (text) => say(`${at}: ${text}`));
    }
  }
}

/** Every SQL statement of a dashboard: of its panels, its variables and its annotations. */
function statements({ panels, templating, annotations }) {
  const targets = [...panels.flatMap((panel) => panel.targets ?? []), ...annotations.list.map(({ target }) => target)];
  const asked = templating.list.filter(({ type }) => type === 'query').map(({ query }) => query);
  return [...targets.map((target) => target?.rawSql), ...asked].filter((text) => typeof text === 'string');
}

/** An override for a column that no query gives does nothing, and nobody notices. */
function columns({ type }, { rawSql, legendFormat, expr }, overrides, say) {
  if (!rawSql || expr || legendFormat || type === 'geomap') return;
  for (const { matcher } of overrides) {
    if (matcher.id === 'byName' && !rawSql.includes(`"${matcher.options}"`)) say(`no column "${matcher.options}" for an override`);
  }
}
