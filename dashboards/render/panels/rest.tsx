import { renderTextPanelMarkdown, type DataFrame } from '@grafana/data';
import { RenderUserContentAsHTML } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

import type { Drawing } from '../drawing';
import { centres } from './countries';

export function Rows({ frames, panel, width, height, range, config }: Drawing) {
  const data = frames[0] as DataFrame;
  const { options } = panel;
  return (
    <TableNG
      cellHeight={options.cellHeight} data={data} enableVirtualization fieldConfig={config} height={height} noHeader={!options.showHeader}
      noValue={config.defaults.noValue} resizable sortBy={options.sortBy} structureRev={1} timeRange={range} width={width}
    />
  );
}

export function Words({ panel }: Drawing) {
  return <RenderUserContentAsHTML className="markdown-html" content={renderTextPanelMarkdown(panel.options.content)} />;
}

/** The map is a plug-in that is not on npm: this draws the same bubbles on a grid of degrees, and says so. */
export function MapStandIn({ frames, panel, theme, width, height }: Drawing) {
  const layer = panel.options.layers[0];
  const { style } = layer.config;
  const frame = frames[0];
  const codes = frame?.fields.find(({ name }) => name === layer.location.lookup)?.values ?? [];
  const sizes = (frame?.fields.find(({ name }) => name === style.size.field)?.values ?? []) as number[];
  const most = Math.max(...sizes, 1);
  const x = (degrees: number) => ((degrees + 180) / 360) * width;
  const y = (degrees: number) => ((85 - degrees) / 145) * height;
  const line = theme.colors.border.weak;
  const colour = theme.visualization.getColorByName(style.color.fixed);
  return (
    <svg height={height} width={width}>
      {[-150, -120, -90, -60, -30, 0, 30, 60, 90, 120, 150].map((at) => <line key={at} stroke={line} x1={x(at)} x2={x(at)} y1={0} y2={height} />)}
      {[-30, 0, 30, 60].map((at) => <line key={at} stroke={line} x1={0} x2={width} y1={y(at)} y2={y(at)} />)}
      {codes.map((code: string, index: number) => {
        const centre = centres[code];
        if (!centre) return null;
        const radius = style.size.min + (style.size.max - style.size.min) * ((sizes[index] ?? 0) / most);
        return (
          <g key={code}>
            <circle cx={x(centre[1])} cy={y(centre[0])} fill={colour} fillOpacity={style.opacity} r={radius} />
            <text fill={theme.colors.text.primary} fontSize={style.textConfig.fontSize} textAnchor="middle" x={x(centre[1])} y={y(centre[0]) + 4}>{code}</text>
          </g>
        );
      })}
      <text fill={theme.colors.text.secondary} fontSize={10} textAnchor="end" x={width - 4} y={height - 4}>stand-in: Grafana draws a map here</text>
    </svg>
  );
}
