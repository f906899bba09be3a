import { computed, ref, type ComputedRef, type Ref } from 'vue'
import { asProblem } from '@/api/client'
import type { ApiProblem } from '@/api/problem'
import { session, signIn } from '@/workbench/session'

/** What every door shares: password first, then the one-time code where the account asks for one. */
export interface Door {
  name: Ref<string>
  password: Ref<string>
  code: Ref<string>
  wantsCode: Ref<boolean>
  busy: Ref<boolean>
  problem: Ref<ApiProblem | null>
  ready: ComputedRef<boolean>
  send: () => Promise<void>
}

/** over: the session ended, and its own user signs in again. entered: what follows; told whether the password must be changed. */
export function useDoor(over: boolean, entered?: (mustChange: boolean) => unknown): Door {
  const name = ref(over ? (session.value?.actor ?? '') : '')
  const password = ref('')
  const code = ref('')
  const wantsCode = ref(false)
  const busy = ref(false)
  const problem = ref<ApiProblem | null>(null)
  const ready = computed(() => name.value.trim() !== '' && password.value !== '' && (!wantsCode.value || /^\d{6}$/.test(code.value)))

  async function send(): Promise<void> {
    if (busy.value || !ready.value) return
    busy.value = true
    problem.value = null
    try {
      const mustChange = await signIn({ user: name.value.trim(), password: password.value, ...(wantsCode.value ? { code: code.value } : {}) })
      await entered?.(mustChange)
    } catch (failure) {
      const found = asProblem(failure)
      if (/\/code-wanted$/.test(found.type) && !wantsCode.value) {
        wantsCode.value = true
      } else {
        problem.value = found
        code.value = ''
      }
    } finally {
      busy.value = false
    }
  }

  return { name, password, code, wantsCode, busy, problem, ready, send }
}
