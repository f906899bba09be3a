import { beforeEach, describe, expect, it } from 'vitest'
import { setLanguage } from '@/language'
import { askedMonth, type Place } from '@/screen/data'
import { energy, lag, lengthOf, lossBand, money, percent, price, shifted } from '@/screen/figures'
import { stationsAlone } from '@/screen/names'
import { barLength, callouts, lampRadius, projection } from '@/screen/network'
import { fit, pixelRatio } from '@/screen/stage'

beforeEach(() => setLanguage('zh'))

describe('units', () => {
  it('leaves the company out of its own stations, but not a company alone', () => {
    const units = ['1405810', '1405810.01', '1405810.02', '14058109'].map((org) => ({ org }))
    expect(stationsAlone(units).map(({ org }) => org)).toEqual(['1405810.01', '1405810.02', '14058109'])
    expect(stationsAlone([{ org: '1405810' }])).toEqual([{ org: '1405810' }])
  })
})

describe('figures', () => {
  it('moves and rounds decimal text half away from zero, at any length', () => {
    expect(shifted('12345.6', 3, 2)).toBe('12.35')
    expect(shifted('12344.999', 3, 2)).toBe('12.34')
    expect(shifted('-12345', 4, 2)).toBe('-1.23')
    expect(shifted('-12350', 4, 2)).toBe('-1.24')
    expect(shifted('0.004', 0, 2)).toBe('0.00')
    expect(shifted('-0.004', 0, 2)).toBe('0.00')
    expect(shifted('7', 0, 2)).toBe('7.00')
    expect(shifted('123456789012345678901234.56', 4, 2)).toBe('12345678901234567890.12')
  })

  it('chooses the unit that leaves few digits', () => {
    expect(energy('2874512.000')).toEqual({ value: '287.45', unit: '万千瓦时' })
    expect(energy('128')).toEqual({ value: '128', unit: '千瓦时' })
    expect(money('1873265.44')).toEqual({ value: '187.33', unit: '万元' })
    expect(money('99999.99')).toEqual({ value: '10.00', unit: '万元' })
    expect(money('128.50')).toEqual({ value: '128.50', unit: '元' })
    expect(money('1234567890.00')).toEqual({ value: '12.35', unit: '亿元' })
    setLanguage('en')
    expect(energy('2874512.000')).toEqual({ value: '2.87', unit: 'GWh' })
    expect(money('1873265.44')).toEqual({ value: '1.87', unit: 'M yuan' })
  })

  it('shows a dash for what is not known and never a number it cannot read', () => {
    for (const hostile of [null, undefined, '', 'NaN', '1e9', '<b>1</b>']) {
      expect(energy(hostile).value).toBe('—')
      expect(money(hostile).value).toBe('—')
      expect(percent(hostile).value).toBe('—')
      expect(price(hostile).value).toBe('—')
      expect(lossBand(hostile)).toBe('unknown')
    }
  })

  it('bounds lengths and bands losses', () => {
    expect(lengthOf('5', 10)).toBe(0.5)
    expect(lengthOf('50', 10)).toBe(1)
    expect(lengthOf('-5', 10)).toBe(0)
    expect(lengthOf('5', 0)).toBe(0)
    expect(['-0.01', '0', '6.00', '6.01', '10', '10.01'].map(lossBand)).toEqual(['negative', 'normal', 'normal', 'raised', 'raised', 'high'])
    expect([lag(64), lag(1500), lag(120_000), lag(null)]).toEqual(['64 毫秒', '1.5 秒', '2 分钟', '—'])
  })
})

describe('stage', () => {
  it('letterboxes at other sizes and stays sharp when it grows', () => {
    expect(fit(1920, 1080)).toEqual({ scale: 1, left: 0, top: 0 })
    expect(fit(3840, 2400)).toEqual({ scale: 2, left: 0, top: 120 })
    expect(fit(1366, 768).scale).toBeCloseTo(0.711, 3)
    expect(fit(0, 0).scale).toBeGreaterThan(0)
    expect([pixelRatio(2, 1), pixelRatio(0.5, 1), pixelRatio(4, 2)]).toEqual([2, 1, 4])
  })
})

describe('network', () => {
  const point = (x_m: number, y_m: number) => ({ x_m, y_m })
  const frame = { left: 0, top: 0, width: 100, height: 100 }

  it('keeps the shape and points north up', () => {
    const project = projection([point(0, 0), point(100, 50)], frame)
    expect(project.scale).toBe(1)
    expect(project.y(50)).toBeLessThan(project.y(0))
    expect(project.x(100) - project.x(0)).toBeCloseTo(2 * (project.y(0) - project.y(50)))
    expect(Number.isFinite(projection([], frame).x(0))).toBe(true)
    expect(Number.isFinite(projection([point(5, 5)], frame).x(5))).toBe(true)
  })

  it('gives each unit one callout, half at each side, each ending at one of its areas', () => {
    const area = (area_no: string, org: string, x_m: number, y_m: number) => ({ area_no, org, x_m, y_m, name: area_no, feeder_no: 'F' })
    const place: Place = { nodes: [], lines: [], feeders: [], stations: [], areas: [area('a', '1', 0, 0), area('b', '1', 0, 100), area('c', '2', 90, 80), area('d', '3', 50, 10)] }
    const project = projection(place.areas, frame)
    const found = callouts(place, project, 0, 100)
    expect(found.map((one) => one.org).sort()).toEqual(['1', '2', '3'])
    expect(found.filter((one) => one.side === 'left')).toHaveLength(2)
    for (const one of found) expect(place.areas.some((item) => item.org === one.org && project.x(item.x_m) === one.x && project.y(item.y_m) === one.y)).toBe(true)
  })

  it('compares loads by the area of the lamp', () => {
    expect(lampRadius(null, 10)).toBe(3)
    expect(lampRadius(10, 10) - 3).toBeCloseTo(2 * (lampRadius(2.5, 10) - 3))
    expect(barLength(0.2, 120)).toEqual({ metres: 500, pixels: 100 })
  })
})

it('takes a month from the address only when it is one', () => {
  expect(askedMonth('?month=2026-04')).toBe('2026-04')
  expect(askedMonth('?month=2026-13')).toBeNull()
  expect(askedMonth('?month=<script>')).toBeNull()
  expect(askedMonth('')).toBeNull()
})
