/** An action that was pressed: opens a page at once, or goes to the dialog that asks, confirms and sends. */
import { shallowRef } from 'vue'
import { openPage, type ActRequest } from '@/render/context'

export const acting = shallowRef<ActRequest | null>(null)

export function openAction(request: ActRequest): void {
  if (request.action.open) openPage(request.page, request.action.open, request.scope)
  else acting.value = request
}
