import { describe, expect, it } from 'vitest'
import { after, inserted, labelled, seen, spread, widthOf, type Label, type Spot } from '@/render/picture/walk'

const spot = (point_no: string, x: number, y = 0): Spot => ({ point_no, x, y })
const names = (walk: { point_no: string }[]) => walk.map((one) => one.point_no).join('')

describe('a walk on a map', () => {
  it('gives points of one position room of their own around it', () => {
    const spots = spread(Array.from({ length: 60 }, (_, at) => spot(String(at), 100, 100)), 10)
    expect(spots[0]).toEqual(spot('0', 100, 100))
    const apart = spots.flatMap((one, at) => spots.slice(at + 1).map((other) => Math.hypot(one.x - other.x, one.y - other.y)))
    expect(Math.min(...apart)).toBeGreaterThan(9)
    expect(spread([spot('a', 0), spot('b', 50)], 10)).toEqual([spot('a', 0), spot('b', 50)])
  })
  it('takes a point in where the way is lengthened least', () => {
    const walk = [spot('a', 0), spot('b', 10), spot('c', 30)]
    expect(names(inserted(walk, spot('n', 20)))).toBe('abnc')
    expect(names(inserted(walk, spot('n', 40)))).toBe('abcn')
    expect(names(inserted(walk, spot('n', -5)))).toBe('nabc')
    expect(names(inserted([], spot('n', 1)))).toBe('n')
  })
  it('is looked at from elsewhere and nearer, and its scale with it', () => {
    const found = { scale: 0.5, x: (metres: number) => metres / 2, y: (metres: number) => 100 - metres / 2 }
    const near = seen(found, { x: 30, y: -10, times: 2 }, { x: 50, y: 50 })
    expect([near.x(100), near.y(100), near.scale]).toEqual([80, 40, 1])
    expect(near.x(110) - near.x(100)).toBe(10 * near.scale)
  })
  it('letters what has room, beside what stands there, and nothing over another', () => {
    const label = (key: string, ...places: { x: number; y: number }[]): Label => ({ kind: 'number', key, words: '12', places })
    const picture = { width: 200, height: 100 }
    const fixed = [{ words: '50 m', x: 100, y: 50 }]
    const found = labelled([label('a', { x: 10, y: 20 }), label('b', { x: 15, y: 22 }, { x: 15, y: 36 }), label('c', { x: 12, y: 24 }), label('d', { x: 110, y: 52 }), label('e', { x: 195, y: 20 }, { x: 150, y: 5 }), label('f', { x: 10, y: 70 }, { x: 40, y: 70 }), label('g', { x: 10, y: 90 })], picture, fixed, [{ x: 20, y: 66 }, { x: 12, y: 86 }], 5)
    expect(found.map(({ key, x, y }) => [key, x, y])).toEqual([['a', 10, 20], ['b', 15, 36], ['f', 40, 70], ['g', 10, 90]])
    expect(widthOf('台区1')).toBeCloseTo(28.6)
  })
  it('moves a point next after another, and keeps every point', () => {
    const walk = ['a', 'b', 'c', 'd'].map((name) => spot(name, 0))
    expect(names(after(walk, 'd', 'a'))).toBe('adbc')
    expect(names(after(walk, 'a', 'c'))).toBe('bcad')
    expect(names(after(walk, 'b', 'b'))).toBe('abcd')
    expect(names(after(walk, 'x', 'a'))).toBe('abcd')
  })
})
