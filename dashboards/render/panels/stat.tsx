import { getDisplayValueAlignmentFactors, getFieldDisplayValues, VizOrientation, type FieldDisplay } from '@grafana/data';
import { BarGauge, BigValue, VizRepeater } from '@grafana/ui';

import { replace } from '../configure';
import type { Drawing } from '../drawing';

const SPACING = 8;

const values = ({ frames, config, panel, theme }: Drawing, sparkline: boolean): FieldDisplay[] =>
  getFieldDisplayValues({
    data: frames, fieldConfig: config, reduceOptions: panel.options.reduceOptions, replaceVariables: replace, sparkline, theme, timeZone: 'utc',
  });

export function Stat(drawing: Drawing) {
  const { panel, theme, width, height } = drawing;
  const { options } = panel;
  return (
    <VizRepeater
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      getValues={() => values(drawing, options.graphMode !== 'none')}
      renderValue={({ value, width: w, height: h, count, alignmentFactors }) => (
        <BigValue
          alignmentFactors={alignmentFactors} colorMode={options.colorMode} count={count} graphMode={options.graphMode} height={h}
          justifyMode={options.justifyMode} sparkline={value.sparkline} text={options.text} textMode={options.textMode} theme={theme}
          value={value.display} wideLayout={options.wideLayout} width={w}
        />
      )}
      autoGrid height={height} itemSpacing={3} orientation={options.orientation as VizOrientation} renderCounter={0} source={drawing.frames}
      width={width}
    />
  );
}

export function Bars(drawing: Drawing) {
  const { panel, theme, width, height } = drawing;
  const { options } = panel;
  return (
    <VizRepeater
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      getValues={() => values(drawing, false)}
      renderValue={({ value, width: w, height: h, alignmentFactors, orientation }) => (
        <BarGauge
          alignmentFactors={alignmentFactors} display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)} displayMode={options.displayMode}
          field={value.field} height={h} itemSpacing={SPACING} namePlacement={options.namePlacement} orientation={orientation}
          showUnfilled={options.showUnfilled} text={options.text} theme={theme} value={value.display} valueDisplayMode={options.valueMode} width={w}
        />
      )}
      height={height} itemSpacing={SPACING} maxVizHeight={options.maxVizHeight} minVizHeight={options.minVizHeight} minVizWidth={options.minVizWidth}
      orientation={options.orientation as VizOrientation} renderCounter={0} source={drawing.frames} width={width}
    />
  );
}
