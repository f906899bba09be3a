/** A walk on a map: how the map is looked at, where each point is drawn, and where a new one is passed with the least detour. */
import type { Projection } from '@/screen/network'

/** How far a map was moved, in pixels, and how many times nearer it is than where all of it is seen. */
export interface View {
  x: number
  y: number
  times: number
}

/** A projection as it is looked at; `middle` stays in its place when it comes nearer. */
export function seen(found: Projection, view: View, middle: { x: number; y: number }): Projection {
  return {
    scale: found.scale * view.times,
    x: (metres) => (found.x(metres) - middle.x) * view.times + middle.x + view.x,
    y: (metres) => (found.y(metres) - middle.y) * view.times + middle.y + view.y,
  }
}

export interface Spot {
  point_no: string
  x: number
  y: number
}

/** Points that share a position are drawn around it, as seeds in a sunflower: the first in the middle, each with its own room. */
export function spread(at: { point_no: string; x: number; y: number }[], room: number): Spot[] {
  const golden = Math.PI * (3 - Math.sqrt(5))
  const count = new Map<string, number>()
  return at.map(({ point_no, x, y }) => {
    const key = `${x} ${y}`
    const before = count.get(key) ?? 0
    count.set(key, before + 1)
    const radius = room * Math.sqrt(before)
    return { point_no, x: x + radius * Math.cos(before * golden), y: y + radius * Math.sin(before * golden) }
  })
}

const apart = (one: Spot, other: Spot) => Math.hypot(one.x - other.x, one.y - other.y)

/** The walk with a point put where it lengthens the way least; at its end where that is as short. */
export function inserted(walk: Spot[], spot: Spot): Spot[] {
  let best = walk.length
  let least = walk.length ? apart(walk[walk.length - 1]!, spot) : 0
  for (let at = 0; at < walk.length; at += 1) {
    const [before, after] = [walk[at - 1], walk[at]!]
    const detour = apart(spot, after) + (before ? apart(before, spot) - apart(before, after) : 0)
    if (detour < least) [best, least] = [at, detour]
  }
  return [...walk.slice(0, best), spot, ...walk.slice(best)]
}

/** The walk with one point passed next after another. */
export function after<One extends { point_no: string }>(walk: One[], moved: string, other: string): One[] {
  const one = walk.find((spot) => spot.point_no === moved)
  if (!one || moved === other) return walk
  const rest = walk.filter((spot) => spot !== one)
  const at = rest.findIndex((spot) => spot.point_no === other)
  return [...rest.slice(0, at + 1), one, ...rest.slice(at + 1)]
}
