/** Pages of the phone. The hash keeps one document, so that a page is there when the network is not. */
import { createRouter, createWebHashHistory } from 'vue-router'
import BillsView from '@/phone/views/BillsView.vue'

export const router = createRouter({
  history: createWebHashHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', component: BillsView, meta: { tab: 'bills' } },
    { path: '/bill/:no(\\d{22})', component: () => import('@/phone/views/BillView.vue'), meta: { tab: 'bills' } },
    { path: '/bill/:no(\\d{22})/change', component: () => import('@/phone/views/ChangeView.vue'), meta: { tab: 'bills' } },
    { path: '/use', component: () => import('@/phone/views/UseView.vue'), meta: { tab: 'use' } },
    { path: '/report', component: () => import('@/phone/views/ReportView.vue'), meta: { tab: 'use' } },
    { path: '/notices', component: () => import('@/phone/views/NoticesView.vue'), meta: { tab: 'notices' } },
    { path: '/me', component: () => import('@/phone/views/MeView.vue'), meta: { tab: 'me' } },
    { path: '/plans', component: () => import('@/phone/views/PlansView.vue'), meta: { tab: 'me' } },
    { path: '/curve/:meter/:month(\\d{4}-\\d{2})', component: () => import('@/phone/views/CurveView.vue'), meta: { tab: 'bills' } },
    { path: '/errors', component: () => import('@/phone/views/ErrorsView.vue'), meta: { tab: 'bills' } },
    { path: '/payments', component: () => import('@/phone/views/PaymentsView.vue'), meta: { tab: 'me' } },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
