/** Pages of field reading. The hash keeps one document, and both pages are in it, so that they are there when the network is not. */
import { createRouter, createWebHashHistory } from 'vue-router'
import OrdersView from '@/field/views/OrdersView.vue'
import OrderView from '@/field/views/OrderView.vue'

export const router = createRouter({
  history: createWebHashHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', component: OrdersView },
    { path: '/order/:no(\\d+)', component: OrderView },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
