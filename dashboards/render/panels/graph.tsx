import { FieldType, type DataFrame, type Field } from '@grafana/data';
import { TimeSeries } from '@grafana/ui';
import type uPlot from 'uplot';

import type { Drawing, Mark } from '../drawing';

export function Graph({ frames, panel, theme, width, height, range, marks }: Drawing) {
  const ready = frames.map((frame) => ({ ...frame, fields: frame.fields.filter(isDrawn) }));
  return (
    <TimeSeries frames={ready as DataFrame[]} height={height} legend={panel.options.legend} options={panel.options} structureRev={1} timeRange={range} timeZone={['utc']} width={width}>
      {(builder) => {
        builder.addHook('draw', (plot: uPlot) => marks.forEach((mark) => draw(plot, mark, theme.visualization.getColorByName(mark.colour))));
        return null;
      }}
    </TimeSeries>
  );
}

const isDrawn = (field: Field) => field.type === FieldType.time || (field.type === FieldType.number && !field.config.custom?.hideFrom?.viz);

/** A dashed line and a triangle below it, as Grafana marks annotations. */
function draw(plot: uPlot, { at }: Mark, colour: string) {
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(at, 'x', true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 5 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  const size = 4 * devicePixelRatio;
  const foot = bbox.top + bbox.height;
  ctx.beginPath();
  ctx.moveTo(x - size, foot + size);
  ctx.lineTo(x + size, foot + size);
  ctx.lineTo(x, foot);
  ctx.fill();
  ctx.restore();
}
