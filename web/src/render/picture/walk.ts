/** A walk on a map: how the map is looked at, where each point is drawn, where a new one is passed with the least detour,
 * and which names and numbers have room. */
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

/** Words on the map and where they may stand: left ends of their baseline, the best first. */
export interface Label {
  kind: 'name' | 'number'
  key: string
  words: string
  places: { x: number; y: number }[]
}

export interface Labelled extends Omit<Label, 'places'> {
  x: number
  y: number
}

interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** Pixels of a Chinese sign, of another one, and above and below the baseline, at the size in which the map is lettered. */
const [WIDE, NARROW, ABOVE, BELOW] = [11, 6.6, 10, 3]

export function widthOf(words: string): number {
  return [...words].reduce((sum, sign) => sum + (sign > '\u2e80' ? WIDE : NARROW), 0)
}

function boxOf(words: string, { x, y }: { x: number; y: number }): Box {
  return { left: x, right: x + widthOf(words), top: y - ABOVE, bottom: y + BELOW }
}

const meet = (one: Box, other: Box) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom

/** Labels that have room, each within the picture where it meets none before it, and no dot if there is such a place; the others come
 * when it is nearer. `fixed`: what stands on the map anyway. `radius`: of the dots. */
export function labelled(
  labels: Label[],
  picture: { width: number; height: number },
  fixed: { words: string; x: number; y: number }[],
  dots: { x: number; y: number }[],
  radius: number,
): Labelled[] {
  const taken = fixed.map((one) => boxOf(one.words, one))
  const round = dots.map(({ x, y }) => ({ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius }))
  return labels.flatMap(({ places, ...label }) => {
    const free = places
      .map((place) => ({ place, box: boxOf(label.words, place) }))
      .filter(({ box }) => box.left >= 0 && box.top >= 0 && box.right <= picture.width && box.bottom <= picture.height && !taken.some((one) => meet(one, box)))
    const best = free.find(({ box }) => !round.some((dot) => meet(dot, box))) ?? free[0]
    if (!best) return []
    taken.push(best.box)
    return [{ ...label, ...best.place }]
  })
}
