/// <reference lib="webworker" />
/** Keeps the pages of field reading on the phone, so that they open without a network. What they show and send is not its business:
 * that lies in the phone's own database (kept.ts). */
import { clientsClaim } from 'workbox-core'
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

declare const self: ServiceWorkerGlobalScope & { __FIELD_FILES__: PrecacheEntry[] }

void self.skipWaiting()
clientsClaim()
cleanupOutdatedCaches()
// The build puts the list here (vite.config.ts).
precacheAndRoute(self.__FIELD_FILES__)
registerRoute(new NavigationRoute(createHandlerBoundToURL('/field.html'), { allowlist: [/^\/field(\/|$)/] }))
