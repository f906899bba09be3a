import { beforeEach, expect, test } from 'vitest'
import { setLanguage } from '@/language'
import { chartOption, palette, reaches, roomFor, waterfallOption, type Series } from '@/render/picture/options'

beforeEach(() => setLanguage('zh'))

const percent: Series = { name: '线损率', path: 'rate', schema: { type: 'string', format: 'percent', 'x-unit': 'percent' }, values: ['16.98', '2.87'] }

test('a ranking writes each value with its unit and leaves it the room it needs', () => {
  const option = chartOption('rank', ['云西村', '乔村'], [percent], palette(false), {}) as never as {
    series: { label: { formatter: (at: { dataIndex: number }) => string } }[]
    grid: { right: number }
  }
  expect(option.series[0]!.label.formatter({ dataIndex: 0 })).toBe('16.98%')
  expect(option.grid.right).toBe(roomFor(['16.98%', '2.87%']))
  expect(roomFor(['2,722,199 kWh'])).toBeGreaterThan(roomFor(['16.98%']) + 40)
  expect(roomFor(['12 千瓦时'])).toBeGreaterThan(roomFor(['12 kWh']))
})

test('a waterfall leads from one bill to the other, each change beginning where the one before ended', () => {
  expect(reaches([100, 20, -50, 70], [true, false, false, true])).toEqual([[0, 100], [100, 120], [120, 70], [0, 70]])
  expect(reaches([10, -30, -20], [true, false, true])).toEqual([[0, 10], [10, -20], [0, -20]])
  const money: Series = { name: '金额', path: 'amount', schema: { type: 'string', format: 'money', 'x-unit': 'yuan' }, values: ['10.00', '-30.00', '-20.00'] }
  const { series } = waterfallOption(['三月', '电价', '四月'], money, [true, false, true], palette(false), {}) as { series: { data: (number | { value: number })[] }[] }
  const heights = series.map((one) => one.data.map((bar) => (typeof bar === 'number' ? bar : bar.value)))
  expect(heights).toEqual([
    [0, 0, 0],
    [0, 0, 0],
    [10, 10, 0],
    [0, -20, -20],
  ])
})
