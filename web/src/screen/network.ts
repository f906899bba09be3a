/** The network's picture: metres to pixels, north up, and the order of the callouts around it. */
import type { Place } from '@/screen/data'

export interface Frame {
  left: number
  top: number
  width: number
  height: number
}

export interface Projection {
  x(metres: number): number
  y(metres: number): number
  /** Pixels for a metre. */
  scale: number
}

export function projection(points: { x_m: number; y_m: number }[], frame: Frame): Projection {
  const xs = points.map((point) => point.x_m)
  const ys = points.map((point) => point.y_m)
  const [west, east] = xs.length ? [Math.min(...xs), Math.max(...xs)] : [0, 1]
  const [south, north] = ys.length ? [Math.min(...ys), Math.max(...ys)] : [0, 1]
  const scale = Math.min(frame.width / Math.max(east - west, 1), frame.height / Math.max(north - south, 1))
  const left = frame.left + (frame.width - (east - west) * scale) / 2
  const top = frame.top + (frame.height - (north - south) * scale) / 2
  return { scale, x: (metres) => left + (metres - west) * scale, y: (metres) => top + (north - metres) * scale }
}

export interface Callout {
  org: string
  side: 'left' | 'right'
  /** Where the leader line ends, and the middle of the callout's own height. */
  x: number
  y: number
  at: number
}

/** Stations at both sides of the picture, in the order of their areas from north to south, half at each side by east and west. */
export function callouts(place: Place, project: Projection, top: number, height: number): Callout[] {
  const centres = [...new Set(place.areas.map((area) => area.org))].map((org) => {
    const own = place.areas.filter((area) => area.org === org)
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const [x, y] = [mean(own.map((area) => area.x_m)), mean(own.map((area) => area.y_m))]
    // The line ends at the area nearest to the middle, so that it never ends in the dark.
    const nearest = own.reduce((best, area) => (Math.hypot(area.x_m - x, area.y_m - y) < Math.hypot(best.x_m - x, best.y_m - y) ? area : best))
    return { org, x: project.x(nearest.x_m), y: project.y(nearest.y_m) }
  })
  const fromWest = [...centres].sort((one, other) => one.x - other.x || one.org.localeCompare(other.org))
  const half = Math.ceil(fromWest.length / 2)
  const sides: ['left' | 'right', typeof centres][] = [
    ['left', fromWest.slice(0, half)],
    ['right', fromWest.slice(half)],
  ]
  return sides.flatMap(([side, list]) =>
    [...list]
      .sort((one, other) => one.y - other.y)
      .map((centre, place_) => ({ ...centre, side, at: top + ((place_ + 0.5) * height) / list.length })),
  )
}

/** The radius of a lamp by its load: areas of circles are compared, so the root of the share. */
export function lampRadius(load: number | null, greatest: number): number {
  if (load === null || greatest <= 0) return 3
  return 3 + 6.8 * Math.sqrt(Math.max(load, 0) / greatest)
}

const LENGTHS_M = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]

/** The length of the scale bar: the longest round one of at most `most` pixels. */
export function barLength(scale: number, most: number): { metres: number; pixels: number } {
  const metres = [...LENGTHS_M].reverse().find((length) => length * scale <= most) ?? LENGTHS_M[0]!
  return { metres, pixels: metres * scale }
}
