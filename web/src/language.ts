/** The language of the page; kept for the next visit. */
import { computed, ref, watchEffect } from 'vue'
import type { Text } from '@/spec/contracts'

export type Language = 'zh' | 'en'

const KEY = 'denghuo.language'

function remembered(): Language {
  try {
    const kept = localStorage.getItem(KEY)
    if (kept === 'zh' || kept === 'en') return kept
  } catch {
    // Storage may be closed to us; the language of the browser serves then.
  }
  return typeof navigator !== 'undefined' && navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh'
}

export const language = ref<Language>(remembered())
export const isChinese = computed(() => language.value === 'zh')

watchEffect(() => {
  if (typeof document !== 'undefined') document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
})

export function setLanguage(chosen: Language): void {
  language.value = chosen
  try {
    localStorage.setItem(KEY, chosen)
  } catch {
    // Not kept; it holds for this visit.
  }
}

/** The text in the present language; what has only one language is shown in that. */
export function t(text: Text | string | null | undefined): string {
  if (text === null || text === undefined) return ''
  return typeof text === 'string' ? text : text[language.value] || text.zh || text.en || ''
}
