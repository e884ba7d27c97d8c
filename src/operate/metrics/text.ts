import type { Sample } from './counts.ts';
import { type Metric, metrics } from './table.ts';

/** The forms of the text: that of Prometheus (0.0.4), and OpenMetrics 1.0.0. */
export type MetricsForm = 'prometheus' | 'openmetrics';

/** The media type of each. */
export const mediaTypes: Readonly<Record<MetricsForm, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Longest value of a label. */
export const labelBytesMax = 200;

/** Writes the samples by the table: each metric once with its help and type, also one without samples. */
export function metricsText(samples: readonly Sample[], form: MetricsForm = 'prometheus'): string {
  const byName = new Map<string, Sample[]>();
  for (const sample of samples) {
    const list = byName.get(sample.name);
    if (list === undefined) byName.set(sample.name, [sample]);
    else list.push(sample);
  }
  const lines: string[] = [];
  for (const metric of metrics) lines.push(...written(metric, byName.get(metric.name) ?? [], form));
  if (form === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

function written({ name, type, unit, help }: Metric, samples: readonly Sample[], form: MetricsForm): readonly string[] {
  // OpenMetrics names a counter without the '_total' of its samples.
  const family = form === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  const about = [`# HELP ${family} ${escaped(help)}`, `# TYPE ${family} ${type}`];
  if (form === 'openmetrics' && unit !== '') about.splice(1, 0, `# UNIT ${family} ${unit}`);
  return [...about, ...samples.map((sample) => `${name}${labelsText(sample)} ${numberText(sample.value)}`)];
}

function labelsText({ labels }: Sample): string {
  const pairs = Object.entries(labels).map(
    ([label, value]) => `${label}="${escaped(value.slice(0, labelBytesMax)).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'NaN';
}
