/** Registered components, by the names that src/denghuo/application/components publishes. */
import { defineAsyncComponent, type Component } from 'vue'

export const registered: Readonly<Record<string, Component>> = {
  meter_photo: defineAsyncComponent(() => import('@/render/registered/MeterPhoto.vue')),
  walk_map: defineAsyncComponent(() => import('@/render/registered/WalkMap.vue')),
  walk_order: defineAsyncComponent(() => import('@/render/registered/WalkOrder.vue')),
  readings_upload: defineAsyncComponent(() => import('@/render/registered/ReadingsUpload.vue')),
  frame: defineAsyncComponent(() => import('@/render/registered/FrameView.vue')),
}
