/** Options of the pictures on pages: one axis, the unit named, labels where the value is, the product's own colours. */
import { formatWithUnit, headerOf, unitOf } from '@/format/format'
import { t } from '@/language'
import { isNumeric, type Dictionaries, type Schema } from '@/spec/contracts'
import type { EChartsCoreOption } from '@/render/picture/echarts'

export interface Series {
  name: string
  path: string
  schema: Schema
  values: (string | number | null)[]
}

const LIGHT = ['#006e66', '#c77700', '#2b6cb0', '#7a8a86', '#8a4f9e']
const DARK = ['#35b3a6', '#f0b454', '#6aaae4', '#93a19d', '#c497d6']

export interface Palette {
  series: string[]
  ink: string
  quiet: string
  line: string
  surface: string
}

export function palette(dark: boolean): Palette {
  return dark
    ? { series: DARK, ink: '#e6eceb', quiet: '#93a19d', line: '#2a3634', surface: '#1a2524' }
    : { series: LIGHT, ink: '#16211f', quiet: '#5f6d69', line: '#dde4e2', surface: '#ffffff' }
}

/** Canvas positions are approximate by nature; the exact text stands in tooltips and tables. */
export function plotted(value: unknown): number | null {
  const number = typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : Number.NaN
  return Number.isFinite(number) ? number : null
}

export function frame(colours: Palette): EChartsCoreOption {
  return {
    animationDuration: 250,
    textStyle: { fontFamily: 'PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif', color: colours.quiet },
    color: colours.series,
    grid: { left: 8, right: 24, top: 34, bottom: 6, containLabel: true },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      confine: true,
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.ink, fontSize: 12 },
    },
  }
}

export function axes(categories: string[], unit: string, colours: Palette, sideways = false): EChartsCoreOption {
  const category = {
    type: 'category',
    data: categories,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: colours.line } },
    axisLabel: sideways || categories.length > 10 ? { color: colours.quiet, fontSize: 12, hideOverlap: true } : { color: colours.quiet, fontSize: 11, interval: 0, width: 72, overflow: 'truncate', hideOverlap: true },
    inverse: sideways,
  }
  const value = {
    type: 'value',
    name: unit,
    nameTextStyle: { color: colours.quiet, align: 'left', padding: [0, 0, 0, -28] },
    splitLine: { lineStyle: { color: colours.line } },
    axisLabel: { color: colours.quiet, fontSize: 12 },
    scale: false,
  }
  // Where each bar says its value, the axis need not say it again.
  if (sideways) return { xAxis: { ...value, name: undefined, axisLabel: { show: false }, splitLine: { show: false } }, yAxis: category }
  return { xAxis: category, yAxis: value }
}

export function chartOption(form: string, categories: string[], series: Series[], colours: Palette, dictionaries: Dictionaries): EChartsCoreOption {
  const tell = (value: unknown, schema: Schema) => formatWithUnit(value, schema, dictionaries)
  if (form === 'ring') return ring(categories, series[0]!, colours, tell)
  const sideways = form === 'rank'
  const line = form === 'line' || form === 'area'
  const framed = frame(colours)
  return {
    ...framed,
    ...(sideways && series[0] ? { grid: { ...(framed['grid'] as object), top: 10, right: roomFor(series[0].values.map((value) => tell(value, series[0]!.schema))) } } : {}),
    ...axes(categories, series.length === 1 && isNumeric(series[0]!.schema) ? unitOf(series[0]!.schema) : '', colours, sideways),
    legend: series.length > 1 ? { top: 2, right: 8, itemWidth: 12, itemHeight: 8, textStyle: { color: colours.quiet } } : undefined,
    series: series.map((one) => ({
      name: headerOf(one.schema, one.path),
      type: line ? 'line' : 'bar',
      data: one.values.map(plotted),
      barMaxWidth: sideways ? 14 : 34,
      showSymbol: one.values.length < 32,
      symbolSize: 5,
      areaStyle: form === 'area' ? { opacity: 0.14 } : undefined,
      label: sideways ? { show: true, position: 'right', color: colours.quiet, formatter: ({ dataIndex }: { dataIndex: number }) => tell(one.values[dataIndex], one.schema) } : undefined,
      tooltip: { valueFormatter: (_: unknown, position: number) => tell(one.values[position], one.schema) },
    })),
  }
}

/** From where to where each bar of a waterfall reaches: whole values stand on zero, changes on the end of the bar before. */
export function reaches(values: (number | null)[], wholes: boolean[]): [number, number][] {
  let end = 0
  return values.map((value, position) => {
    const start = wholes[position] ? 0 : end
    end = start + (value ?? 0)
    return [start, end]
  })
}

/** Changes that lead from one value to another. Stacks of one sign each, so that a bar may cross zero. */
export function waterfallOption(categories: string[], series: Series, wholes: boolean[], colours: Palette, dictionaries: Dictionaries): EChartsCoreOption {
  const tell = (position: number) => formatWithUnit(series.values[position], series.schema, dictionaries)
  const spans = reaches(series.values.map(plotted), wholes)
  const above = (value: number) => Math.max(value, 0)
  const below = (value: number) => Math.min(value, 0)
  const colour = (position: number) => (wholes[position] ? colours.series[0] : spans[position]![1] >= spans[position]![0] ? colours.series[1] : colours.series[2])
  const bar = (data: number[], seen: boolean, place: 'top' | 'bottom') => ({
    type: 'bar',
    stack: 'way',
    barMaxWidth: 46,
    silent: !seen,
    itemStyle: seen ? undefined : { color: 'transparent' },
    data: data.map((value, position) => (seen ? { value, itemStyle: { color: colour(position) } } : value)),
    label: seen && { show: true, position: place, color: colours.ink, fontSize: 12, formatter: ({ dataIndex, value }: { dataIndex: number; value: number }) => (value || place === 'top' ? tell(dataIndex) : '') },
  })
  const framed = frame(colours)
  return {
    ...framed,
    ...axes(categories, unitOf(series.schema), colours),
    tooltip: { ...(framed['tooltip'] as object), trigger: 'item', formatter: ({ dataIndex }: { dataIndex: number }) => `${categories[dataIndex]} ${tell(dataIndex)}` },
    series: [
      bar(spans.map(([from, to]) => above(Math.min(from, to))), false, 'top'),
      bar(spans.map(([from, to]) => below(Math.max(from, to))), false, 'bottom'),
      bar(spans.map(([from, to]) => above(Math.max(from, to)) - above(Math.min(from, to))), true, 'top'),
      bar(spans.map(([from, to]) => below(Math.min(from, to)) - below(Math.max(from, to))), spans.some(([from, to]) => Math.min(from, to) < 0), 'bottom'),
    ],
  }
}

/** Pixels right of the longest bar in which the longest of these labels stands whole, at a font size of 12. */
export function roomFor(labels: string[]): number {
  return 14 + 7 * Math.max(2, ...labels.map((label) => [...label].reduce((sum, letter) => sum + (letter > '\u2e7f' ? 1.8 : 1), 0)))
}

function ring(categories: string[], series: Series, colours: Palette, tell: (value: unknown, schema: Schema) => string): EChartsCoreOption {
  return {
    ...frame(colours),
    tooltip: undefined,
    series: [
      {
        type: 'pie',
        radius: ['52%', '74%'],
        data: categories.slice(0, 5).map((name, position) => ({ name, value: plotted(series.values[position]) })),
        itemStyle: { borderColor: colours.surface, borderWidth: 2 },
        label: { color: colours.ink, formatter: ({ name, dataIndex }: { name: string; dataIndex: number }) => `${name}\n${tell(series.values[dataIndex], series.schema)}` },
      },
    ],
  }
}

export interface CurveOptions {
  times: string[]
  series: Series[]
  estimated: boolean[]
  limits: { name: string; value: number }[]
}

/** Interval curves. Estimated values are drawn as hollow points on a thin amber line, limits as dashed lines. */
export function curveOption(curve: CurveOptions, colours: Palette): EChartsCoreOption {
  const estimated = curve.estimated.some(Boolean) ? curve.series[0] : undefined
  const marks = curve.limits.length
    ? {
        silent: true,
        symbol: 'none',
        lineStyle: { type: 'dashed', color: colours.quiet },
        label: { formatter: '{b}', position: 'insideEndTop', color: colours.quiet },
        data: curve.limits.map(({ name, value }) => ({ name, yAxis: value })),
      }
    : undefined
  const few = curve.times.length <= 62
  const lines = curve.series.map((one, position) => ({
    name: headerOf(one.schema, one.path),
    type: 'line',
    showSymbol: few,
    symbol: 'circle',
    symbolSize: 4,
    lineStyle: { width: 1.6 },
    connectNulls: false,
    data: one.values.map((value, place) => (position === 0 && curve.estimated[place] ? null : plotted(value))),
    markLine: position === 0 ? marks : undefined,
  }))
  const guessed = estimated && {
    name: t({ zh: '估算', en: 'Estimated' }),
    type: 'line',
    symbol: 'emptyCircle',
    symbolSize: 5,
    lineStyle: { width: 1, color: colours.series[1] },
    itemStyle: { color: colours.series[1] },
    data: estimated.values.map((value, place) => (curve.estimated[place] ? plotted(value) : null)),
  }
  // A quiet line under both keeps the eye on the course of values where measured and estimated ones change.
  const course = estimated && {
    type: 'line',
    silent: true,
    showSymbol: false,
    lineStyle: { width: 1, color: colours.line },
    tooltip: { show: false },
    data: estimated.values.map(plotted),
  }
  return {
    ...frame(colours),
    // The legend says each unit, and on a phone stands where the axis would say it.
    ...axes(curve.times, '', colours),
    legend: { top: 2, right: 8, itemWidth: 14, itemHeight: 8, textStyle: { color: colours.quiet } },
    series: guessed ? [course, ...lines, guessed] : lines,
  }
}
