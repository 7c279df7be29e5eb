// Field configuration: defaults, overrides and transformations of a panel, applied by Grafana's own code.
import {
  applyFieldOverrides, displayNameOverrideProcessor, identityOverrideProcessor, Registry, standardTransformers, standardTransformersRegistry,
  transformDataFrame, type DataFrame, type FieldConfigSource, type GrafanaTheme2, type InterpolateFunction, type ScopedVars,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const STANDARD = [
  'color', 'decimals', 'description', 'displayName', 'fieldMinMax', 'links', 'mappings', 'max', 'min', 'noValue', 'thresholds', 'unit',
];

/** A panel's own options; what a panel type does not know, Grafana ignores. */
function registry(config: FieldConfigSource) {
  const ids = new Set([
    ...STANDARD,
    ...Object.keys(config.defaults.custom ?? {}).map((name) => `custom.${name}`),
    ...config.overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ]);
  const items = [...ids].map((id) => ({
    id, path: id.replace(/^custom\./, ''), name: id, isCustom: id.startsWith('custom.'),
    process: id === 'displayName' ? displayNameOverrideProcessor : identityOverrideProcessor, shouldApply: () => true,
    override: () => null, editor: () => null, settings: { expandTemplateVars: true },
  }));
  return new Registry(() => items as never[]);
}

/** Each transformer is registered once, and only when a panel asks for it. */
standardTransformersRegistry.setInit(() =>
  Object.values(standardTransformers).map((transformation) => ({
    id: transformation.id, name: transformation.name, description: transformation.description, transformation: async () => transformation,
    editor: () => null, help: '', imageDark: '', imageLight: '',
  })) as never);

export interface Configured {
  frames: DataFrame[];
  config: FieldConfigSource;
}

export async function configure(
  raw: DataFrame[],
  panel: { fieldConfig?: FieldConfigSource; transformations?: never[] },
  theme: GrafanaTheme2,
): Promise<Configured> {
  const config: FieldConfigSource = {
    defaults: structuredClone(panel.fieldConfig?.defaults ?? {}), overrides: structuredClone(panel.fieldConfig?.overrides ?? []),
  };
  const done = panel.transformations?.length ? await lastValueFrom(transformDataFrame(panel.transformations, raw)) : raw;
  const frames = applyFieldOverrides({
    data: done, fieldConfig: config, fieldConfigRegistry: registry(config) as never, replaceVariables: replace, theme, timeZone: 'utc',
  });
  return { frames, config };
}

/** Variables in names of fields and in links: what the data says, and otherwise nothing. */
export const replace: InterpolateFunction = (text, scoped) =>
  (text ?? '').replace(/\$\{([^}]+)\}/g, (_, inner: string) => {
    const [path] = inner.split(':');
    const field = /^__data\.fields\["([^"]+)"\]$/.exec(path ?? '')?.[1];
    if (field !== undefined) return cell(scoped, field);
    const label = /^__field\.labels\.(\w+)$/.exec(path ?? '')?.[1];
    if (label !== undefined) return (context(scoped)?.field?.labels ?? {})[label] ?? '';
    return '';
  });

interface Context {
  frame?: DataFrame;
  field?: { labels?: Record<string, string> };
  rowIndex?: number;
}

const context = (scoped?: ScopedVars): Context | undefined =>
  (scoped?.__dataContext?.value ?? scoped?.__field?.value) as Context | undefined;

function cell(scoped: ScopedVars | undefined, name: string): string {
  const { frame, rowIndex } = context(scoped) ?? {};
  const field = frame?.fields.find((one) => one.name === name);
  return field && rowIndex !== undefined ? String(field.values[rowIndex]) : '';
}
