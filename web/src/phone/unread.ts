import { ref } from 'vue'

/** How many messages wait. */
export const unread = ref(0)
