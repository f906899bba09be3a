/** Light or dark, as chosen or as the system says. */
import { computed, ref, watchEffect } from 'vue'

export type Theme = 'light' | 'dark'

const KEY = 'denghuo.theme'

function first(): Theme {
  try {
    const kept = localStorage.getItem(KEY)
    if (kept === 'light' || kept === 'dark') return kept
  } catch {
    // Storage may be closed to us.
  }
  return typeof matchMedia !== 'undefined' && matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

export const theme = ref<Theme>(first())
export const isDark = computed(() => theme.value === 'dark')

watchEffect(() => {
  if (typeof document !== 'undefined') document.documentElement.classList.toggle('dark', isDark.value)
})

export function setTheme(chosen: Theme): void {
  theme.value = chosen
  try {
    localStorage.setItem(KEY, chosen)
  } catch {
    // Not kept; it holds for this visit.
  }
}
