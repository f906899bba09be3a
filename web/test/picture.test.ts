import { beforeEach, expect, test } from 'vitest'
import { setLanguage } from '@/language'
import { chartOption, palette, roomFor, type Series } from '@/render/picture/options'

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
