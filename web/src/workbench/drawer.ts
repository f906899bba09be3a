import { shallowRef } from 'vue'
import type { Row } from '@/render/context'

/** The page that is open beside the present one. */
export const drawer = shallowRef<{ page: string; parameters: Row } | null>(null)
