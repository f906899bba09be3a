/** The canvas of 1920 x 1080 in a window of any size: as large as fits, in the middle, bars at the sides. */
import { onBeforeUnmount, onMounted, readonly, ref } from 'vue'

export const WIDTH = 1920
export const HEIGHT = 1080

export interface Fit {
  scale: number
  left: number
  top: number
}

export function fit(width: number, height: number): Fit {
  const scale = Math.max(Math.min(width / WIDTH, height / HEIGHT), 0.1)
  return { scale, left: Math.round((width - WIDTH * scale) / 2), top: Math.round((height - HEIGHT * scale) / 2) }
}

/** Canvases are drawn with as many pixels as they are shown with, so that a scaled-up wall stays sharp; bounded by memory. */
export function pixelRatio(scale: number, device: number): number {
  return Math.min(Math.max(scale * device, 1), 4)
}

const current = ref<Fit>({ scale: 1, left: 0, top: 0 })
const ratio = ref(1)

function measure(): void {
  current.value = fit(window.innerWidth, window.innerHeight)
  ratio.value = pixelRatio(current.value.scale, window.devicePixelRatio || 1)
}

export function useStage() {
  onMounted(() => {
    measure()
    window.addEventListener('resize', measure)
  })
  onBeforeUnmount(() => window.removeEventListener('resize', measure))
  return readonly(current)
}

export const drawnRatio = readonly(ratio)
