import 'uplot/dist/uPlot.min.css';

import {
  createTheme, dateTime, DashboardCursorSync, EventBusSrv, FieldType, type DataFrame, type GrafanaTheme2, type TimeRange,
} from '@grafana/data';
import { GlobalStyles, PanelChrome, PanelContextProvider, ThemeContext } from '@grafana/ui';
import { useEffect, useState, type ComponentType } from 'react';
import { createRoot } from 'react-dom/client';

import { configure } from './configure';
import { frames as converted } from './convert';
import type { Drawing, Job, Mark, Panel } from './drawing';
import { Graph } from './panels/graph';
import { MapStandIn, Rows, Words } from './panels/rest';
import { Bars, Stat } from './panels/stat';

const KINDS: Record<string, ComponentType<Drawing>> = {
  bargauge: Bars, geomap: MapStandIn, stat: Stat, table: Rows, text: Words, timeseries: Graph,
};

const CELL = 30;
const GAP = 8;

declare global {
  interface Window {
    job: Job;
    draw: (job: Job) => Promise<{ height: number; problems: string[] }>;
  }
}

window.draw = async (job) => {
  const theme = createTheme({ colors: { mode: job.theme } });
  const problems: string[] = [];
  const range = timeRange(job.range);
  const marks = job.dashboard.annotations.list.flatMap((one) => annotated(job, one));
  const drawings = await Promise.all(job.dashboard.panels.map(async (panel) => {
    if (panel.type === 'row') return null;
    if (!KINDS[panel.type]) problems.push(`${panel.title}: no panel type ${panel.type} is known here`);
    const raw = (panel.targets ?? []).flatMap((target) => {
      const result = job.results.panels[panel.id]?.[target.refId];
      if (!result) problems.push(`${panel.title}: no result for query ${target.refId}`);
      return result ? converted(target, result) : [];
    });
    if (panel.targets && isEmpty(raw)) problems.push(`${panel.title}: empty`);
    return configure(raw, panel, theme);
  }));
  const bottom = Math.max(...job.dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const root = createRoot(document.getElementById('root') as HTMLElement);
  await new Promise<void>((resolve) => {
    root.render(
      <ThemeContext.Provider value={theme}>
        <GlobalStyles hackNoBackdropBlur={false} isExtensionSidebarOpen={false} />
        <Page drawings={drawings} job={job} marks={marks} onDrawn={resolve} range={range} theme={theme} />
      </ThemeContext.Provider>,
    );
  });
  await document.fonts.ready;
  return { height: HEAD + bottom * (CELL + GAP) + 24, problems };
};

const HEAD = 104;

interface PageProps {
  job: Job;
  theme: GrafanaTheme2;
  drawings: (Awaited<ReturnType<typeof configure>> | null)[];
  range: TimeRange;
  marks: Mark[];
  onDrawn: () => void;
}

function Page({ job, theme, drawings, range, marks, onDrawn }: PageProps) {
  const [ready, setReady] = useState(false);
  // Text is measured on a canvas, so the font has to be there before anything is laid out.
  useEffect(() => {
    document.fonts.load('14px Inter').then(() => document.fonts.load('500 14px Inter')).then(() => setReady(true));
  }, []);
  useEffect(() => {
    if (ready) settled(job.dashboard.panels.filter(({ description, type }) => description && type !== 'row').length).then(onDrawn);
  }, [ready, onDrawn, job]);
  const column = (job.width - 2 * 16 + GAP) / 24;
  return (
    <div style={{ background: theme.colors.background.canvas, color: theme.colors.text.primary, fontFamily: theme.typography.fontFamily, minHeight: '100vh' }}>
      <Head job={job} range={range} theme={theme} />
      <div style={{ position: 'relative' }}>
        {ready && job.dashboard.panels.map((panel, index) => {
          const { x, y, w, h } = panel.gridPos;
          const place = { left: 16 + x * column, top: y * (CELL + GAP), width: w * column - GAP, height: h * (CELL + GAP) - GAP };
          return (
            <div key={panel.id} style={{ ...place, position: 'absolute' }}>
              {panel.type === 'row'
                ? <div style={{ ...theme.typography.h5, lineHeight: '30px' }}>⌄ {panel.title}</div>
                : <One drawing={drawings[index] ?? null} height={place.height} marks={marks} panel={panel} range={range} theme={theme} width={place.width} />}
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface OneProps extends Pick<PageProps, 'range' | 'marks' | 'theme'> {
  panel: Panel;
  drawing: PageProps['drawings'][number];
  width: number;
  height: number;
}

function One({ panel, drawing, width, height, theme, range, marks }: OneProps) {
  const Kind = KINDS[panel.type];
  const bus = new EventBusSrv();
  const context = { app: 'dashboard', eventBus: bus, eventsScope: '__global_', sync: () => DashboardCursorSync.Off } as never;
  return (
    <PanelContextProvider value={context}>
      <PanelChrome description={panel.description} height={height} title={panel.title} width={width}>
        {(innerWidth, innerHeight) => {
          if (!Kind || !drawing) return <p>{panel.type}</p>;
          if (panel.targets && isEmpty(drawing.frames)) return <Nothing text={panel.fieldConfig?.defaults.noValue} theme={theme} />;
          return <Kind {...drawing} height={innerHeight} marks={marks} panel={panel} range={range} theme={theme} width={innerWidth} />;
        }}
      </PanelChrome>
    </PanelContextProvider>
  );
}

const Nothing = ({ text, theme }: { text?: string; theme: GrafanaTheme2 }) => (
  <div style={{ alignItems: 'center', color: theme.colors.text.secondary, display: 'flex', height: '100%', justifyContent: 'center', textAlign: 'center' }}>
    {text ?? 'No data'}
  </div>
);

function Head({ job, theme, range }: Pick<PageProps, 'job' | 'theme' | 'range'>) {
  const shown = job.dashboard.templating.list.filter(({ hide, type }) => hide !== 2 && type !== 'datasource');
  const chip = { background: theme.components.input.background, border: `1px solid ${theme.colors.border.medium}`, borderRadius: 6, padding: '4px 10px' };
  // A range of minutes is one of times of a day.
  const form = Number(range.to) - Number(range.from) < 172_800_000 ? 'YYYY-MM-DD HH:mm' : 'YYYY-MM-DD';
  const day = (at: { utc: () => { format: (as: string) => string } }) => at.utc().format(form);
  return (
    <div style={{ height: HEAD, padding: '14px 16px 0' }}>
      <div style={{ alignItems: 'baseline', display: 'flex', gap: 18 }}>
        <span style={{ ...theme.typography.h4 }}>{job.dashboard.title}</span>
        {(job.dashboard.links ?? []).map(({ title }) => <span key={title} style={{ color: theme.colors.text.secondary, fontSize: 13 }}>{title}</span>)}
      </div>
      <div style={{ display: 'flex', fontSize: 13, gap: 16, marginTop: 14 }}>
        {shown.map(({ name, label, current }) => (
          <span key={name} style={{ alignItems: 'center', display: 'flex', gap: 8 }}>
            <span style={{ fontWeight: 500 }}>{label ?? name}</span>
            <span style={chip}>{job.results.variables?.[name] ?? ([current?.text].flat().join(' + ') || '–')}</span>
          </span>
        ))}
        <span style={{ ...chip, marginLeft: 'auto' }}>{day(range.from as never)} to {day(range.to as never)} UTC</span>
      </div>
    </div>
  );
}

/** Icons come one after another; when those of all descriptions are there, the rest has long been drawn. */
async function settled(icons: number): Promise<void> {
  const begin = performance.now();
  const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
  await pause();
  while (document.querySelectorAll('button svg').length < icons && performance.now() - begin < 8000) await pause();
  await pause();
}

const isEmpty = (list: DataFrame[]) => list.every(({ length }) => length === 0);

function timeRange({ from, to }: Job['range']): TimeRange {
  const [begin, end] = [dateTime(from), dateTime(to)];
  return { from: begin, to: end, raw: { from: begin, to: end } };
}

function annotated(job: Job, { iconColor, target }: Job['dashboard']['annotations']['list'][number]): Mark[] {
  const result = target && job.results.annotations?.[target.refId];
  if (!target || !result) return [];
  const [frame] = converted({ ...target, format: 1 }, result);
  const times = (frame?.fields.find(({ type }) => type === FieldType.time)?.values ?? []) as number[];
  return times.map((at) => ({ at, colour: iconColor }));
}
